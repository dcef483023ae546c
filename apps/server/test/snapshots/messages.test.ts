import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseBegun,
  parseSnapshotRequest,
  type SnapshotRequest,
  sentBegin,
  sentChunk,
  sentFinish,
} from '../../src/snapshots/messages.js';

const whole = fc.nat(Number.MAX_SAFE_INTEGER);
const bytes = fc.uint8Array({ maxLength: 20 });
const key = fc.option(bytes, { nil: undefined });

describe('a message of a snapshot', () => {
  it('is read as it was meant', () => {
    fc.assert(
      fc.property(
        whole,
        whole,
        whole,
        whole,
        bytes,
        key,
        key,
        (term, index, a, b, raw, after, next) => {
          const floor = { index, term: a, state: raw };
          const begin = { op: 'snapshotBegin', term, index, floor, bytes: b } as const;
          const chunk = { after, records: raw, next };
          const take = { op: 'snapshotChunk', term, index, chunk } as const;
          const finish = { op: 'snapshotFinish', term, index } as const;
          const parsed = (sent: { control: object; raw: Uint8Array }): SnapshotRequest =>
            parseSnapshotRequest(sent.control as Record<string, unknown>, sent.raw);
          expect(parsed(sentBegin(begin))).toEqual(begin);
          expect(parsed(sentChunk(take))).toEqual(take);
          expect(parsed(sentFinish(finish))).toEqual(finish);
        },
      ),
    );
  });

  it('is refused where it is anything else', () => {
    const values = fc.oneof(whole, fc.string(), fc.boolean(), fc.constant(null), fc.double());
    const ops = fc.constantFrom('snapshotBegin', 'snapshotChunk', 'snapshotFinish', 'other');
    const control = fc.record(
      {
        term: values,
        index: values,
        entryTerm: values,
        bytes: values,
        after: values,
        next: values,
      },
      { requiredKeys: [] },
    );
    const refused = expect.objectContaining({ code: 'DLE_FORMAT' });
    const isWhole = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
    fc.assert(
      fc.property(ops, control, (op, fields) => {
        const { term, index, entryTerm, bytes: size, after, next } = fields;
        const isName = isWhole(term) && isWhole(index);
        const isRight =
          isName &&
          ((op === 'snapshotBegin' && isWhole(entryTerm) && isWhole(size)) ||
            (op === 'snapshotChunk' && (after ?? next ?? null) === null) ||
            op === 'snapshotFinish');
        const parse = () => parseSnapshotRequest({ op, ...fields }, new Uint8Array(0));
        if (isRight) expect(parse()).toMatchObject({ op, term, index });
        else expect(parse).toThrow(refused);
      }),
    );
    expect(() => parseBegun({ complete: 1 })).toThrow(refused);
    expect(() => parseBegun({ complete: true, after: 'x' })).toThrow(refused);
  });
});
