/** 64 bits that nobody outside knows, as two words. */
export interface HashSeed {
  readonly low: number;
  readonly high: number;
}

/**
 * HalfSipHash-1-3 (Aumasson and Bernstein; as in Linux's tables): 32 bits of the key and a secret
 * seed. Who does not know the seed cannot make keys that collide, and its words are 32 bits wide,
 * which is what JavaScript can do without BigInt. `native/lookup.c` has the same.
 */
export function halfSipHash(key: Uint8Array, seed: HashSeed): number {
  const { length } = key;
  let v0 = seed.low | 0;
  let v1 = seed.high | 0;
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656462 ^ v1;
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    const word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    v3 ^= word;
    // One round.
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  let last = length << 24;
  if (length - whole > 2) last |= key[whole + 2]! << 16;
  if (length - whole > 1) last |= key[whole + 1]! << 8;
  if (length > whole) last |= key[whole]!;
  v3 ^= last;
  // The round of the last word, and three to finish.
  for (let round = 0; round < 4; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round > 0) continue;
    v0 ^= last;
    v2 ^= 0xff;
  }
  return (v1 ^ v3) >>> 0;
}
