import { crc32 } from 'node:zlib';
import { SeededRandom, systemClock, toBytes } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { LogStore } from '../src/index.js';
import { EntryBatch, EntryBatchBuilder, Log, Namespace } from '../src/internal.js';
import { MemVfs } from '../src/testing/index.js';

// docs/format.md, written out field by field: a change here is a change of what lies on disks.
type Field = readonly [bytes: number, value: number | string];

/** Fields one after the other; text as its bytes, numbers little-endian. */
function encode(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.map(([length, value]) => {
      if (typeof value === 'string') return Buffer.from(value.padEnd(length, '\0'), 'latin1');
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes.subarray(0, length);
    }),
  );
}

/** A header of 60 bytes and its checksum. */
function header(...fields: readonly Field[]): Buffer {
  const bytes = encode(...fields);
  expect(bytes.length).toBe(60);
  return Buffer.concat([bytes, encode([4, crc32(bytes)])]);
}

interface RecordFields {
  readonly kind: number;
  readonly flags: number;
  readonly namespace?: number;
  readonly key: string;
  readonly value: string;
  readonly index?: number;
  readonly term?: number;
}

function record({ kind, flags, namespace, key, value, index, term }: RecordFields): Buffer {
  const payload = Buffer.from(key + value, 'latin1');
  return Buffer.concat([
    header(
      [1, 0xd1],
      [1, 1],
      [1, 64],
      [1, kind],
      [1, flags],
      [1, namespace ?? 0],
      [2, key.length],
      [4, value.length],
      [4, crc32(payload)],
      [8, index ?? 0],
      [8, term ?? 0],
      [8, 0],
      [8, 0],
      [8, 0],
      [4, 0],
    ),
    payload,
    Buffer.alloc((8 - (payload.length % 8)) % 8),
  ]);
}

const PUT = { kind: 1, flags: 1, key: 'k', value: 'value 1', index: 1, term: 3 };
const BATCH = [
  { kind: 1, flags: 0, key: 'batch', value: '', index: 2, term: 3 },
  { kind: 2, flags: 1, key: 'k', value: '', index: 2, term: 3 },
];
const OPAQUE = { kind: 3, flags: 1, namespace: 1, key: 'noop', value: '', index: 3, term: 4 };

function entries(): EntryBatch {
  const third = new EntryBatchBuilder(1, 3);
  third.put(toBytes('k'), toBytes('value 1'));
  third.endEntry();
  third.put(toBytes('batch'), toBytes(''));
  third.delete(toBytes('k'));
  third.endEntry();
  const fourth = new EntryBatchBuilder(3, 4);
  fourth.opaque(Namespace.consensus, toBytes('noop'), toBytes(''));
  fourth.endEntry();
  return EntryBatch.join([third.finish(), fourth.finish()]);
}

describe('a record', () => {
  it('has exactly the bytes of docs/format.md', () => {
    expect(Buffer.from(entries().bytes)).toEqual(
      Buffer.concat([PUT, ...BATCH, OPAQUE].map(record)),
    );
  });

  it('has these bytes, however it is described', () => {
    expect(record(PUT).toString('hex')).toBe(
      'd10140010100010007000000dbbdd62e01000000000000000300000000000000' +
        '00000000000000000000000000000000000000000000000000000000b0a6ac53' +
        '6b76616c75652031',
    );
  });

  it('is read from exactly these bytes', () => {
    const read: object[] = [];
    EntryBatch.decode(Buffer.concat([PUT, ...BATCH, OPAQUE].map(record))).forEachRecord((each) => {
      const { kind, namespace, lastOfEntry, index, term } = each;
      const [key, value] = [each.key, each.value].map((bytes) => Buffer.from(bytes).toString());
      read.push({ kind, namespace, flags: lastOfEntry ? 1 : 0, index, term, key, value });
    });
    expect(read).toEqual([PUT, ...BATCH, OPAQUE].map((fields) => ({ namespace: 0, ...fields })));
  });
});

describe('a log', () => {
  it('has exactly the bytes of docs/format.md', async () => {
    const vfs = new MemVfs({ random: new SeededRandom(1), clock: systemClock });
    const components = { vfs, clock: systemClock, random: new SeededRandom(2) };
    const options = { directory: '/log', segmentSize: 4_096, idleFlushMs: 60_000 };
    const log = await Log.open(components, options);
    await log.whenFlushed(log.append(entries()));
    log.setCommit(2);
    const replacement = new EntryBatchBuilder(3, 5);
    replacement.put(toBytes('r'), toBytes(''));
    replacement.endEntry();
    log.append(replacement.finish(), { replaces: true });
    await log.whenFlushed(log.setLocalState('vote', toBytes('x')));
    await log.close();

    let checksum = 0;
    const frame = (fields: {
      offset: number;
      sequence: number;
      flushed: number;
      records?: Buffer;
      commit?: number;
      replacesFrom?: number;
      flags?: number;
    }): Buffer => {
      const records = fields.records ?? Buffer.alloc(0);
      const bytes = header(
        [4, 'DLEF'],
        [1, 1],
        [1, fields.flags ?? 0],
        [2, 64],
        [8, 1],
        [4, fields.offset],
        [4, records.length],
        [8, fields.sequence],
        [8, fields.flushed],
        [8, fields.commit ?? 0],
        [8, fields.replacesFrom ?? 0],
        [4, checksum],
      );
      checksum = bytes.readUInt32LE(60);
      return Buffer.concat([bytes, records]);
    };
    const segment = header(
      [8, 'DLESEGM\n'],
      [1, 1],
      [1, 0],
      [2, 64],
      [4, 0],
      [8, 1],
      [8, 1],
      [4, 0],
      [4, 0],
      [16, Buffer.from(log.storeId, 'hex').toString('latin1')],
      [4, 0],
    );
    const appended = Buffer.concat([PUT, ...BATCH, OPAQUE].map(record));
    const replaced = record({ kind: 1, flags: 1, key: 'r', value: '', index: 3, term: 5 });
    const vote = record({ kind: 4, flags: 1, key: 'vote', value: 'x' });
    let offset = 64;
    const next = (fields: Omit<Parameters<typeof frame>[0], 'offset'>): Buffer => {
      const bytes = frame({ ...fields, offset });
      offset += bytes.length;
      return bytes;
    };
    const expected = Buffer.concat([
      segment,
      next({ sequence: 1, flushed: 0 }),
      next({ sequence: 2, flushed: 0 }),
      next({ sequence: 3, flushed: 2, records: appended }),
      next({ sequence: 4, flushed: 3, records: replaced, commit: 2, replacesFrom: 3 }),
      next({ sequence: 5, flushed: 3, records: vote, commit: 2 }),
      next({ sequence: 6, flushed: 5, commit: 2, flags: 1 }),
    ]);
    const content = Buffer.from(vfs.contentOf('/log/0000000000000001.segment'));
    expect(content.subarray(0, expected.length)).toEqual(expected);
    expect(content.length).toBe(4_096);
    expect(content.subarray(expected.length).every((byte) => byte === 0)).toBe(true);
  });

  it('has a key directory for each sealed segment', async () => {
    const vfs = new MemVfs({ random: new SeededRandom(1), clock: systemClock });
    const store = await LogStore.open('/store', { segmentSize: 4_096 }, { vfs });
    // The first three fill the first segment, but for 384 bytes that the fourth is too long for.
    await store.put('b', 'x'.repeat(1_000));
    await store.batch([
      { type: 'del', key: 'ab' },
      { type: 'put', key: 'c', value: 'y'.repeat(2_000) },
    ]);
    await store.put('b', 'z');
    await store.put('d', 'w'.repeat(1_000));
    await store.verify();
    const segment = Buffer.from(vfs.contentOf('/store/0000000000000001.segment'));
    const directory = Buffer.from(vfs.contentOf('/store/0000000000000001.directory'));
    const offsets = [
      // Segment header; two frames of nothing; and then one frame for each write.
      64 + 64 + 64 + 64,
      64 + 64 + 64 + 64 + (64 + 1_008) + 64,
      64 + 64 + 64 + 64 + (64 + 1_008) + 64 + (64 + 8),
      64 + 64 + 64 + 64 + (64 + 1_008) + 64 + (64 + 8) + (64 + 2_008) + 64,
    ];
    const last = offsets[3]! - 64;
    const end = offsets[3]! + 64 + 8;
    const head = encode(
      [8, 'DLEKEYS\n'],
      [1, 1],
      [1, 0],
      [2, 128],
      [4, 16_384],
      [8, 1],
      [16, Buffer.from(store.log.storeId, 'hex').toString('latin1')],
      [8, segment.readUInt32LE(last + 24)],
      [4, segment.readUInt32LE(last + 60)],
      [4, crc32(segment.subarray(end))],
      [8, end],
      [8, segment.length],
      [8, 3],
      [8, 0],
      [8, 0],
      [8, 1],
      [8, 3],
      [4, 1],
      [4, 0],
      [4, 1],
    );
    const entry = (at: number, index: number, length: number, kind: number, key: string): Buffer =>
      encode([4, at / 8], [6, index], [2, key.length], [3, length], [1, kind], [4, key]);
    const entries = Buffer.concat([
      entry(offsets[1]!, 1, 0, 2, 'ab'),
      entry(offsets[3]!, 2, 1, 1, 'b'),
      entry(offsets[2]!, 1, 2_000, 1, 'c'),
    ]);
    const places = encode([2, 40 / 4], [2, 60 / 4], [2, 80 / 4]);
    const zeros = Buffer.alloc(16_384 - 40 - entries.length - places.length);
    const body = Buffer.concat([entries, zeros, places]);
    const blockHead = encode(
      [4, 'DLEB'],
      [1, 1],
      [1, 0],
      [2, 40],
      [8, 1],
      [4, 0],
      [4, 3],
      [4, entries.length],
      [4, crc32(body)],
      [4, 0],
    );
    expect(directory).toEqual(
      Buffer.concat([
        head,
        encode([4, crc32(head)]),
        blockHead,
        encode([4, crc32(blockHead)]),
        body,
      ]),
    );
    await store.close();
  });
});

describe('compaction', () => {
  const COMPACTION = { automatic: false } as const;

  it('writes sorted segments with their key directories, and a manifest that names them', async () => {
    const vfs = new MemVfs({ random: new SeededRandom(1), clock: systemClock });
    const options = { segmentSize: 4_096, compaction: COMPACTION };
    const store = await LogStore.open('/store', options, { vfs });
    const storeId = Buffer.from(store.log.storeId, 'hex').toString('latin1');
    await store.put('c', 'old');
    await store.batch([
      { type: 'put', key: 'b', value: 'value of b' },
      { type: 'del', key: 'a' },
    ]);
    await store.put('c', 'new');
    await store.compact();
    await store.verify();
    const records = Buffer.concat([
      record({ kind: 1, flags: 0, key: 'b', value: 'value of b', index: 2 }),
      record({ kind: 1, flags: 1, key: 'c', value: 'new', index: 3 }),
    ]);
    // The log has segments 1, which is gone, and 2; the next id is that of the sorted one.
    const sorted = header(
      [8, 'DLESORT\n'],
      [1, 1],
      [1, 0],
      [2, 64],
      [4, 0],
      [8, 3],
      [4, 1],
      [4, 2],
      [8, 1],
      [16, storeId],
      [4, 0],
    );
    const content = Buffer.from(vfs.contentOf('/store/0000000000000003.sorted'));
    expect(content).toEqual(Buffer.concat([sorted, records]));

    const entry = (at: number, index: number, length: number, key: string): Buffer =>
      encode([4, at / 8], [6, index - 1], [2, key.length], [3, length], [1, 1], [4, key]);
    const entries = Buffer.concat([entry(64, 2, 10, 'b'), entry(64 + 64 + 16, 3, 3, 'c')]);
    const zeros = Buffer.alloc(16_384 - 40 - entries.length - 4);
    const body = Buffer.concat([entries, zeros, encode([2, 40 / 4], [2, 60 / 4])]);
    const block = encode(
      [4, 'DLEB'],
      [1, 1],
      [1, 0],
      [2, 40],
      [8, 3],
      [4, 0],
      [4, 2],
      [4, entries.length],
      [4, crc32(body)],
      [4, 0],
    );
    const head = encode(
      [8, 'DLEKEYS\n'],
      [1, 1],
      [1, 1],
      [2, 128],
      [4, 16_384],
      [8, 3],
      [16, storeId],
      [8, 0],
      [4, 0],
      [4, 0],
      [8, content.length],
      [8, content.length],
      [8, 3],
      [8, 0],
      [8, 0],
      [8, 1],
      [8, 2],
      [4, 1],
      [4, 0],
      [4, 0],
    );
    expect(Buffer.from(vfs.contentOf('/store/0000000000000003.directory'))).toEqual(
      Buffer.concat([head, encode([4, crc32(head)]), block, encode([4, crc32(block)]), body]),
    );

    const successor = Buffer.from(vfs.contentOf('/store/0000000000000002.segment'));
    const [firstSequence, previousChecksum] = [
      Number(successor.readBigUInt64LE(24)),
      successor.readUInt32LE(32),
    ];
    const named = Buffer.concat([
      encode([8, 3], [8, content.length], [8, 1], [4, 1], [4, 0]),
      encode(
        [8, 1],
        [8, 1],
        [8, 1],
        [8, firstSequence - 1],
        [8, 3],
        [8, 0],
        [8, 0],
        [4, 0],
        [4, previousChecksum],
        // Header, and five frames of which three hold one record or two.
        [8, 64 + 5 * 64 + (64 + 8) + (64 + 16) + (64 + 8) + (64 + 8)],
      ),
    ]);
    const manifest = header(
      [8, 'DLEMANI\n'],
      [1, 1],
      [1, 0],
      [2, 64],
      [4, 1],
      [4, 1],
      [4, 0],
      [16, storeId],
      [8, 4],
      // The delete: of a key's records in one segment only the newest is looked at.
      [8, 1],
      [4, crc32(named)],
    );
    expect(Buffer.from(vfs.contentOf('/store/manifest'))).toEqual(Buffer.concat([manifest, named]));
    await store.close();
  });
});
