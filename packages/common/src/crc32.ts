import { crc32 as nativeCrc32 } from 'node:zlib';
import crc from 'crc-32';

// Its module is CommonJS, of which Node cannot see the names.
const { buf: shortCrc32 } = crc;

/**
 * Where `zlib.crc32` overtakes the table-driven `crc-32`: below it the fixed cost of the native
 * call (about 190 ns) is more than the whole loop takes.
 */
const NATIVE_FROM_BYTES = 256;

/** CRC-32 (IEEE 802.3, reflected) of `bytes`, continuing from `seed`; an unsigned 32-bit number. */
export function crc32(bytes: Uint8Array, seed: number = 0): number {
  if (bytes.length >= NATIVE_FROM_BYTES) return nativeCrc32(bytes, seed);
  return shortCrc32(bytes, seed) >>> 0;
}
