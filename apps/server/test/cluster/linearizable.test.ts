import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counterExample } from '../../src/testing/history/counter-example.js';
import { describeHistory } from '../../src/testing/history/describe-history.js';
import type { Operation } from '../../src/testing/history/history.js';
import { checkKey } from '../../src/testing/history/linearizable.js';
import { hasExplanation } from './brute-force.js';

const NEVER = Number.POSITIVE_INFINITY;

interface Times {
  readonly from: number;
  readonly to: number;
}

function put(value: string, { from, to }: Times): Operation {
  const outcome = to === NEVER ? 'unknown' : 'ok';
  return { client: 'w', key: 'k', kind: 'put', value, outcome, began: from, ended: to };
}

function failedPut(value: string, times: Times): Operation {
  return { ...put(value, times), outcome: 'failed' };
}

function del(existed: boolean | undefined, { from, to }: Times): Operation {
  const outcome = to === NEVER ? 'unknown' : 'ok';
  return { client: 'd', key: 'k', kind: 'del', existed, outcome, began: from, ended: to };
}

function get(value: string | undefined, { from, to }: Times): Operation {
  return { client: 'r', key: 'k', kind: 'get', value, outcome: 'ok', began: from, ended: to };
}

function at(from: number, to: number): Times {
  return { from, to };
}

const good: [string, Operation[]][] = [
  ['nothing at all', []],
  ['a read of a key that nobody wrote', [get(undefined, at(1, 2))]],
  [
    'reads that overlap a write, old before new',
    [put('a', at(1, 2)), put('b', at(3, 8)), get('a', at(4, 5)), get('b', at(6, 7))],
  ],
  [
    'a read that overlaps a write and comes back with the old value after it',
    [put('a', at(1, 2)), put('b', at(3, 5)), get('a', at(4, 6))],
  ],
  [
    'two writes at a time, in the order that the reads show',
    [put('a', at(1, 10)), put('b', at(1, 10)), get('b', at(2, 3)), get('a', at(4, 5))],
  ],
  [
    'an unknown write that never happened',
    [put('a', at(1, 2)), put('b', at(3, NEVER)), get('a', at(50, 51))],
  ],
  [
    'an unknown write that happened much later',
    [put('a', at(1, 2)), put('b', at(3, NEVER)), get('a', at(50, 51)), get('b', at(60, 61))],
  ],
  [
    'an unknown delete that explains one absence',
    [
      put('a', at(1, 2)),
      del(undefined, at(3, NEVER)),
      get('a', at(4, 5)),
      get(undefined, at(6, 7)),
    ],
  ],
  [
    'an unknown put that nobody reads, but a delete finds',
    [put('a', at(1, NEVER)), del(true, at(5, 6))],
  ],
  ['a write that failed and is never seen', [failedPut('a', at(1, 2)), get(undefined, at(3, 4))]],
  [
    'a delete that a later put undoes',
    [
      put('a', at(1, 2)),
      del(true, at(3, 4)),
      del(false, at(5, 6)),
      put('b', at(7, 8)),
      get('b', at(9, 10)),
    ],
  ],
];

const bad: [string, Operation[]][] = [
  ['a stale read', [put('a', at(1, 2)), put('b', at(3, 4)), get('a', at(5, 6))]],
  ['a lost update', [put('a', at(1, 2)), get(undefined, at(3, 4))]],
  ['a read of a write that failed', [failedPut('a', at(1, 2)), get('a', at(3, 4))]],
  ['a read of what nobody wrote', [put('a', at(1, 2)), get('x', at(3, 4))]],
  ['a read of a write that has not begun', [get('a', at(1, 2)), put('a', at(3, 4))]],
  ['a read of an unknown write that has not begun', [get('a', at(1, 2)), put('a', at(3, NEVER))]],
  [
    'an unknown write that comes, goes and comes back',
    [
      put('a', at(1, 2)),
      put('b', at(3, NEVER)),
      get('b', at(4, 5)),
      get('a', at(6, 7)),
      get('b', at(8, 9)),
    ],
  ],
  [
    'an unknown write that happened, and then had not',
    [put('a', at(1, 2)), put('b', at(3, NEVER)), get('b', at(4, 5)), get('a', at(6, 7))],
  ],
  [
    'a resurrected delete',
    [put('a', at(1, 2)), del(true, at(3, 4)), get(undefined, at(5, 6)), get('a', at(7, 8))],
  ],
  ['a delete that missed what was there', [put('a', at(1, 2)), del(false, at(3, 4))]],
  [
    'a delete that found what was gone',
    [put('a', at(1, 2)), del(true, at(3, 4)), del(true, at(5, 6))],
  ],
  [
    'one unknown put that two deletes found',
    [put('a', at(1, NEVER)), del(true, at(2, 3)), del(true, at(4, 5))],
  ],
  [
    'one unknown delete that explains two absences',
    [
      put('a', at(1, 2)),
      del(undefined, at(3, NEVER)),
      get(undefined, at(4, 5)),
      put('b', at(6, 7)),
      get(undefined, at(8, 9)),
    ],
  ],
  [
    'two readers that saw two writes in different orders',
    [
      put('a', at(1, 20)),
      put('b', at(1, 20)),
      get('a', at(2, 3)),
      get('b', at(4, 5)),
      get('a', at(6, 7)),
    ],
  ],
];

describe('the checker', () => {
  it.each(good)('explains %s', (_, operations) => {
    expect(checkKey(operations)).toEqual({ kind: 'linearizable' });
    expect(hasExplanation(operations)).toBe(true);
  });

  it.each(bad)('finds %s', (_, operations) => {
    const verdict = checkKey(operations);
    expect(verdict.kind).toBe('violation');
    expect(hasExplanation(operations)).toBe(false);
  });

  it('agrees with trying every order, on tiny histories', () => {
    const verdicts = { true: 0, false: 0 };
    fc.assert(
      fc.property(tinyHistory, (operations) => {
        const expected = hasExplanation(operations);
        verdicts[`${expected}`]++;
        expect(checkKey(operations).kind === 'linearizable').toBe(expected);
      }),
      { numRuns: 10_000 },
    );
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(1_000);
  });

  it('explains every history that was made from an order, however long', () => {
    fc.assert(
      fc.property(trueHistory(400), (operations) => {
        expect(checkKey(operations)).toEqual({ kind: 'linearizable' });
      }),
      { numRuns: 50 },
    );
  });

  it('says so when it cannot decide', () => {
    const many = Array.from({ length: 40 }, (_, number) => put(`${number}`, at(1, 100)));
    const reads = many.map(({ value }) => get(value, at(101, 102)));
    expect(checkKey([...many, ...reads], { maxPossibilities: 1_000 }).kind).toBe('undecided');
  });
});

describe('a counter-example', () => {
  it('is a violation by itself, by every order, and made of the history', () => {
    fc.assert(
      fc.property(tinyHistory, (operations) => {
        const verdict = checkKey(operations);
        fc.pre(verdict.kind === 'violation');
        if (verdict.kind !== 'violation') return;
        const few = counterExample(operations, verdict.operation);
        expect(hasExplanation(few)).toBe(false);
        const original = ({ kind, value, began }: Operation) => `${kind} ${value} ${began}`;
        expect(operations.map(original)).toEqual(expect.arrayContaining(few.map(original)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('names the two writes and the stale read among hundreds of operations', () => {
    const [history] = fc.sample(trueHistory(400), { numRuns: 1, seed: 7 });
    const end = Math.max(...history!.map(({ ended }) => (ended === NEVER ? 0 : ended)));
    const times = [1, 2, 3].map((later) => at(end + 2 * later, end + 2 * later + 1)) as [
      Times,
      Times,
      Times,
    ];
    const stale = [put('old', times[0]), put('new', times[1]), get('old', times[2])];
    const operations = [...history!, ...stale];
    const verdict = checkKey(operations);
    expect(verdict).toEqual({ kind: 'violation', operation: stale[2] });
    expect(counterExample(operations, stale[2]!)).toEqual(stale);
    expect(
      describeHistory(stale)
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual([
      '  w: put old    ├─┤       0.0 ms to 1.0 ms',
      '  w: put new      ├─┤     2.0 ms to 3.0 ms',
      '  r: get → old      ├─┤   4.0 ms to 5.0 ms',
    ]);
  });
});

/** Up to seven operations at any times with any results. */
const tinyHistory: fc.Arbitrary<Operation[]> = fc
  .array(
    fc.record({
      kind: fc.constantFrom('put', 'put', 'get', 'get', 'del'),
      from: fc.nat(12),
      length: fc.nat(8),
      unknown: fc.boolean(),
      failed: fc.nat(9),
      found: fc.constantFrom('0', '1', '2', '3', '4', undefined),
      existed: fc.constantFrom(true, false, undefined),
    }),
    { maxLength: 7 },
  )
  .map((drawn) =>
    drawn.map(({ kind, from, length, unknown, failed, found, existed }, number) => {
      const ended = at(from, from + length);
      if (kind === 'get') return get(found, ended);
      if (kind === 'put' && failed === 0) return failedPut(`${number}`, ended);
      const times = unknown ? at(from, NEVER) : ended;
      return kind === 'put' ? put(`${number}`, times) : del(unknown ? undefined : existed, times);
    }),
  );

/** What eight clients might see of a key that does what it should. */
function trueHistory(length: number): fc.Arbitrary<Operation[]> {
  const step = fc.record({
    kind: fc.constantFrom('put', 'get', 'del'),
    before: fc.nat(40),
    after: fc.nat(40),
    unknown: fc.nat(19),
  });
  return fc.array(step, { minLength: length, maxLength: length }).map((steps) => {
    let value: string | undefined;
    return steps.map(({ kind, before, after, unknown }, number) => {
      const moment = 100 + 10 * number;
      const times = at(moment - before, unknown === 0 ? NEVER : moment + after);
      const existed = value !== undefined;
      // An unknown write may also not happen.
      const happens = unknown > 0 || after % 2 === 0;
      if (kind === 'get') return get(value, at(moment - before, moment + after));
      if (kind === 'put') {
        if (happens) value = `${number}`;
        return put(`${number}`, times);
      }
      if (happens) value = undefined;
      return del(times.to === NEVER ? undefined : existed, times);
    });
  });
}
