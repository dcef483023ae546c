import { systemClock } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { audit } from '../../src/testing/history/audit.js';
import { History, type Operation } from '../../src/testing/history/history.js';
import { payloadOf } from '../../src/testing/history/payload.js';

function historyOf(...operations: Partial<Operation>[]): History {
  const history = new History(systemClock);
  for (const [at, operation] of operations.entries()) {
    const times = { began: 10 * at, ended: 10 * at + 5 };
    const kind = operation.kind ?? 'put';
    history.operations.push({ client: 'c', key: 'k', outcome: 'ok', kind, ...times, ...operation });
  }
  return history;
}

function holding(...nodes: Record<string, string>[]): Map<number, Map<string, Uint8Array>> {
  const contents = nodes.map((held, at): [number, Map<string, Uint8Array>] => {
    const pairs = Object.entries(held).map(([key, name]): [string, Uint8Array] => {
      return [key, payloadOf(name, 50)];
    });
    return [at + 1, new Map(pairs)];
  });
  return new Map(contents);
}

describe('an audit', () => {
  it('finds nothing wrong where all is well', () => {
    const history = historyOf({ value: '1', index: 5 }, { value: '2', index: 6 });
    expect(audit(history, holding({ k: '2' }, { k: '2' }, { k: '2' }))).toEqual([]);
  });

  it('finds an acknowledged write that is lost on all nodes', () => {
    const history = historyOf({ value: '1', index: 5 });
    expect(audit(history, holding({}, {}, {})).join()).toMatch(/no order explains(.|\n)*nothing/);
  });

  it('finds two nodes that hold different values, both of them explained', () => {
    const history = historyOf({ value: '1', index: 5 }, { value: '2', outcome: 'unknown' });
    const problems = audit(history, holding({ k: '1' }, { k: '2' }, { k: '1' }));
    expect(problems.join()).toContain('nodes 1 and 2 differ in 1 keys: k (1 and 2)');
  });

  it('finds what nobody has written, and what was refused', () => {
    expect(audit(historyOf(), holding({ x: '1' })).join()).toContain('nobody has written 1');
    const refused = historyOf({ value: '1', outcome: 'failed', error: 'DLE_UNAVAILABLE' });
    expect(audit(refused, holding({ k: '1' })).join()).toContain('put 1 (DLE_UNAVAILABLE)');
  });

  it('finds a value under the key of another', () => {
    const history = historyOf({ value: '1', index: 5 }, { key: 'other', value: '2', index: 6 });
    const problems = audit(history, holding({ k: '2', other: '2' }));
    expect(problems.join()).toContain('it was written to key other');
  });

  it('finds damaged bytes', () => {
    const contents = holding({ k: '1' });
    contents.get(1)!.get('k')![40]! ^= 1;
    expect(audit(historyOf({ value: '1', index: 5 }), contents).join()).toContain(
      '50 damaged bytes',
    );
  });

  it('finds a write that stands in the log before one acknowledged earlier, or in its place', () => {
    const [first, second] = [
      { value: '1', index: 6 },
      { key: 'other', value: '2' },
    ];
    const held = holding({ k: '1', other: '2' });
    expect(audit(historyOf(first, { ...second, index: 5 }), held).join()).toContain(
      'one write after the other, at 6, then at 5 of the log',
    );
    expect(audit(historyOf(first, { ...second, index: 6 }), held).join()).toContain(
      'two writes at 6 of the log',
    );
    const together = { ...second, index: 5, began: 1 };
    expect(audit(historyOf(first, together), held)).toEqual([]);
  });
});
