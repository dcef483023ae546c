import { crc32 } from 'node:zlib';
import { isDleError } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/compaction/manifest.js';
import { encodeSortedHeader, readSortedHeader } from '../../src/directory/sorted-segment.js';

const ORIGIN = { name: '/store/manifest', offset: 0 };
const HEADER_BYTES = 64;
const SORTED_BYTES = 32;

const uint32 = fc.nat(0xffff_ffff);
const uint64 = fc.nat(Number.MAX_SAFE_INTEGER);
const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const storeId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

const manifest: fc.Arbitrary<Manifest> = storeId.chain((storeId) => {
  const end = fc.record({
    segment: id,
    lastSequence: uint64,
    lastIndex: uint64,
    lastTerm: uint64,
    commit: uint64,
    lastChecksum: uint32,
    end: uint64,
    segmentBytes: fc.constant(0),
    storeId: fc.constant(storeId),
  });
  const gap = fc
    .record({ firstSegment: id, firstSequence: uint64, previousChecksum: uint32, end })
    .map(({ firstSegment, firstSequence, previousChecksum, end }) => ({
      firstSegment,
      header: { segment: firstSegment, firstSequence, previousChecksum, storeId },
      end,
    }));
  return fc.record({
    storeId: fc.constant(storeId),
    nextId: id,
    dropped: uint64,
    sorted: fc.array(fc.record({ id, bytes: uint64, dropped: uint64, run: uint32 })),
    gaps: fc.array(gap),
  });
});

function codeOf(bytes: Uint8Array): string | undefined {
  try {
    decodeManifest(bytes, ORIGIN);
    return undefined;
  } catch (thrown) {
    if (!isDleError(thrown)) throw thrown;
    return thrown.code;
  }
}

/** As whoever had written it so would have: with the right checksums. */
function checked(bytes: Uint8Array): Uint8Array {
  const whole = Buffer.from(bytes);
  whole.writeUInt32LE(crc32(whole.subarray(HEADER_BYTES)), 56);
  whole.writeUInt32LE(crc32(whole.subarray(0, 60)), 60);
  return whole;
}

describe('a manifest', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(manifest, (written) => {
        expect(decodeManifest(encodeManifest(written), ORIGIN)).toEqual(written);
      }),
    );
  });

  it('is refused with any bit changed, and where it ends early, or goes on', () => {
    fc.assert(
      fc.property(manifest, fc.nat(), fc.nat(7), (written, at, bit) => {
        const bytes = encodeManifest(written);
        const flipped = Uint8Array.from(bytes);
        flipped[at % bytes.length]! ^= 1 << bit;
        expect(codeOf(flipped)).toBe('DLE_CORRUPT');
        expect(codeOf(bytes.subarray(0, at % bytes.length))).toBe('DLE_CORRUPT');
        expect(codeOf(Buffer.concat([bytes, Buffer.alloc(1 + (at % 200))]))).toBe('DLE_CORRUPT');
      }),
      { numRuns: 2_000 },
    );
  });

  it('is of another version if it is whole, and something in it is not known', () => {
    const written: Manifest = {
      storeId: '0123456789abcdef0123456789abcdef',
      nextId: 8,
      dropped: 0,
      sorted: [{ id: 7, bytes: 100, run: 1, dropped: 0 }],
      gaps: [],
    };
    const bytes = encodeManifest(written);
    const reserved = [HEADER_BYTES + SORTED_BYTES - 4, HEADER_BYTES + SORTED_BYTES - 1];
    for (const at of [8, 9, 20, 23, ...reserved]) {
      const changed = Uint8Array.from(bytes);
      changed[at]! += 1;
      expect([at, codeOf(checked(changed))]).toEqual([at, 'DLE_FORMAT']);
    }
    expect(codeOf(checked(bytes))).toBeUndefined();
  });
});

describe('the header of a sorted segment', () => {
  const written = {
    id: 7,
    run: 3,
    records: 1_000,
    firstIndex: 77,
    storeId: '0123456789abcdef0123456789abcdef',
  };
  const origin = { name: '/store/0000000000000007.sorted', offset: 0 };

  it('is read as it was written, and not with any bit changed', () => {
    const bytes = encodeSortedHeader(written);
    expect(readSortedHeader(bytes, 7, origin)).toEqual(written);
    expect(readSortedHeader(bytes, 8, origin)).toBeUndefined();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      expect(readSortedHeader(flipped, 7, origin)).toBeUndefined();
    }
  });

  it('is of another version if it is whole, and something in it is not known', () => {
    for (const at of [8, 9, 12, 56]) {
      const changed = Buffer.from(encodeSortedHeader(written));
      changed[at]! += 1;
      changed.writeUInt32LE(crc32(changed.subarray(0, 60)), 60);
      expect(() => readSortedHeader(changed, 7, origin)).toThrow(
        expect.objectContaining({ code: 'DLE_FORMAT' }),
      );
    }
  });
});
