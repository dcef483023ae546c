import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HashSeed, halfSipHash } from '../../src/key-index/half-sip-hash.js';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const MASK = 0xffff_ffffn;

/** HalfSipHash-1-3 as the paper tells it, word by word, in numbers that nothing can overflow. */
function modelHash(key: Uint8Array, seed: HashSeed): number {
  const [low, high] = [BigInt(seed.low), BigInt(seed.high)];
  let v = [low, high, 0x6c796765n ^ low, 0x74656462n ^ high] as [bigint, bigint, bigint, bigint];
  const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (32n - by))) & MASK;
  const round = (): void => {
    let [a, b, c, d] = v;
    a = (a + b) & MASK;
    b = rotate(b, 5n) ^ a;
    a = rotate(a, 16n);
    c = (c + d) & MASK;
    d = rotate(d, 8n) ^ c;
    a = (a + d) & MASK;
    d = rotate(d, 7n) ^ a;
    c = (c + b) & MASK;
    b = rotate(b, 13n) ^ c;
    c = rotate(c, 16n);
    v = [a, b, c, d];
  };
  // The length in the highest byte of the last word, zeros between it and the rest of the key.
  const padded = new Uint8Array((Math.floor(key.length / 4) + 1) * 4);
  padded.set(key);
  padded[padded.length - 1] = key.length & 0xff;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    const next = BigInt(words.getUint32(at, true));
    v[3] ^= next;
    round();
    v[0] ^= next;
  }
  v[2] ^= 0xffn;
  for (let finish = 0; finish < 3; finish++) round();
  return Number(v[1] ^ v[3]);
}

describe('the hash of keys', () => {
  it('gives the numbers that Linux tests its own with', () => {
    const seed = { low: 0x03020100, high: 0x07060504 };
    const known = [0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b];
    known.forEach((expected, length) => {
      const key = Uint8Array.from({ length }, (_, byte) => byte);
      expect(halfSipHash(key, seed)).toBe(expected);
    });
  });

  it('is that of the paper for any key and seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), word, word, (key, low, high) => {
        const seed = { low, high };
        expect(halfSipHash(key, seed)).toBe(modelHash(key, seed));
      }),
      { numRuns: 500 },
    );
    for (const length of [4_095, 4_096]) {
      const key = Uint8Array.from({ length }, (_, byte) => byte * 7);
      expect(halfSipHash(key, { low: 1, high: 2 })).toBe(modelHash(key, { low: 1, high: 2 }));
    }
  });

  it('does not care where in its memory a key lies', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(9), (key, shift) => {
        const memory = new Uint8Array(64).fill(0xee);
        memory.set(key, shift);
        const moved = memory.subarray(shift, shift + key.length);
        const seed = { low: 5, high: 6 };
        expect(halfSipHash(moved, seed)).toBe(halfSipHash(key, seed));
      }),
    );
  });
});
