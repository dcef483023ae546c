import { crc32 } from 'node:zlib';
import { isDleError, toBytes } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeManifest, encodeManifest, type Manifest } from '../../src/compaction/manifest.js';

const ORIGIN = { name: '/store/manifest', offset: 0 };
const HEADER_BYTES = 112;
const STORE = '0123456789abcdef0123456789abcdef';

const WRITTEN: Manifest = {
  storeId: STORE,
  nextId: 9,
  dropped: 5,
  sorted: [],
  gaps: [],
  floor: {
    index: 40,
    term: 3,
    segment: 7,
    applied: 44,
    state: toBytes('who votes'),
    dead: [{ segment: 6, from: 200, to: 328 }],
  },
};

const number = fc.nat(Number.MAX_SAFE_INTEGER);
const floor = fc.record({
  index: fc.nat(1_000_000),
  term: number,
  segment: number,
  applied: fc.integer({ min: 1_000_000, max: Number.MAX_SAFE_INTEGER }),
  state: fc.uint8Array({ maxLength: 200 }),
  dead: fc.array(
    fc.record({ segment: number, from: fc.nat(0xffff_ffff), to: fc.nat(0xffff_ffff) }),
  ),
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
  whole.writeUInt32LE(crc32(whole.subarray(HEADER_BYTES)), HEADER_BYTES - 8);
  whole.writeUInt32LE(crc32(whole.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return whole;
}

describe('the manifest of a replicated store', () => {
  it('lies on the disk as it is documented', () => {
    const expected = Buffer.alloc(HEADER_BYTES + 16 + 9);
    expected.write('DLEMANI\n', 0, 'latin1');
    expected.writeUInt8(2, 8);
    expected.writeUInt16LE(HEADER_BYTES, 10);
    expected.write(STORE, 24, 'hex');
    const numbers = { 40: 9, 48: 5, 56: 40, 64: 3, 72: 7, 80: 44, 112: 6 };
    for (const [at, value] of Object.entries(numbers)) {
      expected.writeBigUInt64LE(BigInt(value), Number(at));
    }
    for (const [at, value] of Object.entries({ 88: 1, 92: 9, 120: 200, 124: 328 })) {
      expected.writeUInt32LE(value, Number(at));
    }
    expected.write('who votes', 128, 'latin1');
    expect(Buffer.from(encodeManifest(WRITTEN))).toEqual(Buffer.from(checked(expected)));
  });

  it('is read as it was written, and not with any bit changed', () => {
    fc.assert(
      fc.property(floor, fc.nat(), fc.nat(7), (drawn, at, bit) => {
        const written = { ...WRITTEN, floor: drawn };
        const bytes = encodeManifest(written);
        expect(decodeManifest(bytes, ORIGIN)).toEqual(written);
        const flipped = Uint8Array.from(bytes);
        flipped[at % bytes.length]! ^= 1 << bit;
        expect(codeOf(flipped)).toBe('DLE_CORRUPT');
        expect(codeOf(bytes.subarray(0, at % bytes.length))).toBe('DLE_CORRUPT');
      }),
      { numRuns: 500 },
    );
  });

  it('is of another version if it is whole, and something in it is not known', () => {
    const bytes = encodeManifest(WRITTEN);
    for (const at of [8, 9, 20, 96, 103]) {
      const changed = Uint8Array.from(bytes);
      changed[at]! += 1;
      expect([at, codeOf(checked(changed))]).toEqual([at, 'DLE_FORMAT']);
    }
  });

  it('is damaged where more is given up than was applied', () => {
    const written = { ...WRITTEN, floor: { ...WRITTEN.floor!, applied: 39 } };
    expect(codeOf(encodeManifest(written))).toBe('DLE_CORRUPT');
  });
});
