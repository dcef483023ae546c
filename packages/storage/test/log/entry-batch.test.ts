import { crc32 } from 'node:zlib';
import { concatBytes, MAX_KEY_BYTES, MAX_VALUE_BYTES, toBytes } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EntryBatch,
  EntryBatchBuilder,
  MAX_ENTRY_RECORDS,
  Namespace,
  RECORD_HEADER_BYTES,
  RecordKind,
} from '../../src/internal.js';
import { batchOf } from '../support/logs.js';

type Operation =
  | { kind: 'put'; key: Uint8Array; value: Uint8Array }
  | { kind: 'delete'; key: Uint8Array }
  | { kind: 'opaque'; key: Uint8Array; value: Uint8Array };

const bytes = fc.uint8Array({ maxLength: 40 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key: bytes, value: bytes }),
  fc.record({ kind: fc.constant('delete' as const), key: bytes }),
  fc.record({ kind: fc.constant('opaque' as const), key: bytes, value: bytes }),
);
const entryLists = fc.array(fc.array(operation, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 6,
});

function build(firstIndex: number, term: number, entries: Operation[][]): EntryBatch {
  const builder = new EntryBatchBuilder(firstIndex, term, new Uint8Array(64));
  for (const entry of entries) {
    for (const each of entry) {
      if (each.kind === 'put') builder.put(each.key, each.value);
      else if (each.kind === 'delete') builder.delete(each.key);
      else builder.opaque(Namespace.consensus, each.key, each.value);
    }
    builder.endEntry();
  }
  return builder.finish();
}

function describeRecords(batch: EntryBatch): unknown[] {
  const seen: unknown[] = [];
  batch.forEachRecord(({ kind, namespace, key, value, index, term, lastOfEntry }) => {
    seen.push({ kind, namespace, key: [...key], value: [...value], index, term, lastOfEntry });
  });
  return seen;
}

describe('EntryBatch', () => {
  it('comes back from its bytes as it was built', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 40 }),
        fc.nat(),
        entryLists,
        (first, term, entries) => {
          const batch = build(first, term, entries);
          const read = EntryBatch.decode(batch.bytes.slice());
          expect([read.firstIndex, read.count]).toEqual([first, entries.length]);
          expect(describeRecords(read)).toEqual(describeRecords(batch));
          expect(read.opaqueIndexes).toEqual(batch.opaqueIndexes);
          const records = entries.flatMap((entry, place) =>
            entry.map((each, which) => ({
              kind: RecordKind[each.kind],
              namespace: each.kind === 'opaque' ? Namespace.consensus : Namespace.user,
              key: [...each.key],
              value: each.kind === 'delete' ? [] : [...each.value],
              index: first + place,
              term,
              lastOfEntry: which === entry.length - 1,
            })),
          );
          expect(describeRecords(read)).toEqual(records);
        },
      ),
    );
  });

  it('gives slices that share its bytes, and joins them again', () => {
    fc.assert(
      fc.property(entryLists, fc.nat(5), fc.nat(5), (entries, a, b) => {
        const batch = build(10, 1, entries);
        const from = 10 + Math.min(a, b, entries.length - 1);
        const to = Math.min(10 + Math.max(a, b), batch.lastIndex);
        const slice = batch.slice(from, to);
        expect(slice.bytes.buffer).toBe(batch.bytes.buffer);
        expect([slice.firstIndex, slice.lastIndex]).toEqual([from, to]);
        for (let index = from; index <= to; index++) {
          expect(slice.bytesAt(index)).toBe(batch.bytesAt(index));
          expect(slice.termAt(index)).toBe(1);
          expect(slice.entryBytes(index)).toEqual(batch.entryBytes(index));
        }
        expect(EntryBatch.decode(slice.bytes).count).toBe(slice.count);
        expect(slice.copy().bytes.buffer).not.toBe(batch.bytes.buffer);
        const parts = [slice.copy()];
        if (from > 10) parts.unshift(batch.slice(10, from - 1));
        if (to < batch.lastIndex) parts.push(batch.slice(to + 1, batch.lastIndex));
        const joined = EntryBatch.join(parts);
        expect(joined.bytes).toEqual(new Uint8Array(batch.bytes));
        expect(joined.opaqueIndexes).toEqual(batch.opaqueIndexes);
        expect(joined.bytesAt(joined.lastIndex)).toBe(batch.bytesAt(batch.lastIndex));
      }),
    );
  });

  it('shows its opaque records, also those between others', () => {
    const builder = new EntryBatchBuilder(4, 2);
    builder.put(toBytes('k'), toBytes('v'));
    builder.endEntry();
    builder.opaque(Namespace.system, toBytes('a'), toBytes('1'));
    builder.put(toBytes('k'), toBytes('v'));
    builder.opaque(Namespace.consensus, toBytes('b'), toBytes('2'));
    builder.endEntry();
    const batch = builder.finish();
    expect(batch.opaqueIndexes).toEqual([5]);
    expect(
      batch
        .opaqueEntries()
        .map(({ index, namespace, key, value }) => [
          index,
          namespace,
          Buffer.from(key).toString(),
          Buffer.from(value).toString(),
        ]),
    ).toEqual([
      [5, 2, 'a', '1'],
      [5, 1, 'b', '2'],
    ]);
  });

  it('refuses a batch with any one bit flipped', () => {
    const whole = batchOf(1, 1, 'some value', 'other').bytes;
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = whole.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => EntryBatch.decode(damaged)).toThrow(/at byte \d+/);
    }
  });

  it('refuses a batch cut off anywhere', () => {
    const whole = batchOf(1, 1, 'some value', 'other').bytes;
    const boundary = batchOf(1, 1, 'some value').bytes.length;
    for (let end = 0; end < whole.length; end++) {
      if (end === boundary) continue;
      expect(() => EntryBatch.decode(whole.slice(0, end))).toThrow(
        expect.objectContaining({ code: 'DLE_CORRUPT' }),
      );
    }
  });

  it('refuses entries with gaps, repetitions, falling terms and missing ends', () => {
    const refused = (...parts: Uint8Array[]) =>
      expect(() => EntryBatch.decode(concatBytes(parts))).toThrow(
        expect.objectContaining({ code: 'DLE_CORRUPT' }),
      );
    const [one, two, three] = [1, 2, 3].map((index) => batchOf(index, 5, 'v').bytes);
    EntryBatch.decode(concatBytes([one!, two!, three!]));
    refused(one!, three!);
    refused(one!, one!);
    refused(two!, one!);
    refused(one!, batchOf(2, 4, 'v').bytes);
    EntryBatch.decode(concatBytes([one!, batchOf(2, 6, 'v').bytes]));
    const pair = new EntryBatchBuilder(1, 5);
    pair.put(toBytes('a'), toBytes('b'));
    pair.put(toBytes('a'), toBytes('c'));
    pair.endEntry();
    refused(pair.finish().bytes.slice(0, 72));
    refused();
  });

  it('tells a newer version from damage', () => {
    const sealed = (change: (view: DataView) => void): Uint8Array => {
      const changed = batchOf(1, 1, 'v').bytes.slice();
      const view = new DataView(changed.buffer);
      change(view);
      view.setUint32(60, crc32(changed.subarray(0, 60)), true);
      return changed;
    };
    const unknown: [string, (view: DataView) => void][] = [
      ['version', (view) => view.setUint8(1, 2)],
      ['kind', (view) => view.setUint8(3, 5)],
      ['kind 0', (view) => view.setUint8(3, 0)],
      ['flags', (view) => view.setUint8(4, 3)],
      ['namespace', (view) => view.setUint8(5, 2)],
      ['index 0', (view) => view.setUint32(16, 0)],
      ['session', (view) => view.setUint8(32, 1)],
      ['expiry', (view) => view.setUint8(55, 1)],
      ['reserved', (view) => view.setUint8(59, 1)],
    ];
    for (const [what, change] of unknown) {
      expect(() => EntryBatch.decode(sealed(change)), what).toThrow(
        expect.objectContaining({ code: 'DLE_FORMAT' }),
      );
    }
    const damaged = batchOf(1, 1, 'v').bytes.slice();
    damaged[1] = 2;
    expect(() => EntryBatch.decode(damaged)).toThrow(
      expect.objectContaining({ code: 'DLE_CORRUPT' }),
    );
  });

  it('takes no memory for lengths that no limit allows, checksummed or not', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const [key, value] of [
      [0xffff, 0],
      [0, 0xffff_ffff],
      [4_097, 1],
      [0, MAX_VALUE_BYTES + 1],
    ]) {
      const hostile = batchOf(1, 1, 'v').bytes.slice();
      const view = new DataView(hostile.buffer);
      view.setUint16(6, key!, true);
      view.setUint32(8, value!, true);
      expect(() => EntryBatch.decode(hostile)).toThrow(/checksum/);
      view.setUint32(60, crc32(hostile.subarray(0, 60)), true);
      expect(() => EntryBatch.decode(hostile)).toThrow(
        expect.objectContaining({ code: 'DLE_FORMAT' }),
      );
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  it('refuses indexes and terms that are no safe integers', () => {
    for (const offset of [16, 24]) {
      const hostile = batchOf(1, 1, 'v').bytes.slice();
      const view = new DataView(hostile.buffer);
      view.setBigUint64(offset, 2n ** 53n, true);
      view.setUint32(60, crc32(hostile.subarray(0, 60)), true);
      expect(() => EntryBatch.decode(hostile)).toThrow(/safe integer/);
    }
  });
});

describe('EntryBatchBuilder', () => {
  it('takes a payload checksum that fits, and refuses another without any effect', () => {
    const builder = new EntryBatchBuilder(1, 1);
    const [key, value] = [toBytes('key'), toBytes('value')];
    expect(() => builder.put(key, value, 1)).toThrow(
      expect.objectContaining({ code: 'DLE_CORRUPT', effect: 'none' }),
    );
    expect(() => builder.delete(key, 1)).toThrow(/checksum/);
    expect(builder.length).toBe(0);
    builder.put(key, value, crc32(Buffer.from('keyvalue')));
    builder.delete(key, crc32(Buffer.from('key')));
    builder.endEntry();
    expect(EntryBatch.decode(builder.finish().bytes).count).toBe(1);
  });

  it('takes keys and values up to their limits, and refuses more without any effect', () => {
    const builder = new EntryBatchBuilder(1, 1);
    const largest = [new Uint8Array(MAX_KEY_BYTES), new Uint8Array(MAX_VALUE_BYTES)] as const;
    expect(() => builder.put(new Uint8Array(MAX_KEY_BYTES + 1), toBytes(''))).toThrow(
      expect.objectContaining({ code: 'DLE_KEY_TOO_LARGE' }),
    );
    expect(() => builder.put(toBytes(''), new Uint8Array(MAX_VALUE_BYTES + 1))).toThrow(
      expect.objectContaining({ code: 'DLE_VALUE_TOO_LARGE' }),
    );
    expect(builder.length).toBe(0);
    builder.put(...largest);
    builder.endEntry();
    const batch = EntryBatch.decode(builder.finish().bytes);
    expect(batch.bytesAt(1)).toBe(RECORD_HEADER_BYTES + MAX_KEY_BYTES + MAX_VALUE_BYTES);
  });

  it('refuses one record too many in an entry, and keeps those before', () => {
    const builder = new EntryBatchBuilder(1, 1);
    for (let i = 0; i < MAX_ENTRY_RECORDS; i++) builder.delete(toBytes(''));
    expect(() => builder.delete(toBytes(''))).toThrow(
      expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
    );
    builder.endEntry();
    let records = 0;
    EntryBatch.decode(builder.finish().bytes).forEachRecord(() => records++);
    expect(records).toBe(MAX_ENTRY_RECORDS);
  });
});
