import {
  BLOCK_HEADER_BYTES,
  type Block,
  ENTRY_BYTES,
  PLACE_BYTES,
  PLACE_STEP,
} from './directory-block.js';

/** Where in `block` its entry `place` begins. */
export function entryAt({ bytes, count }: Block, place: number): number {
  const at = bytes.length - (count - place) * PLACE_BYTES;
  return (bytes[at]! | (bytes[at + 1]! << 8)) * PLACE_STEP;
}

/** The lowest key of `block`, where it lies. */
export function firstKeyOf(block: Block): Uint8Array {
  const { bytes } = block;
  const at = entryAt(block, 0);
  const length = bytes[at + 10]! | (bytes[at + 11]! << 8);
  return bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + length);
}

/** The order of the key of entry `place`, as against `key`: negative if it comes before it. */
export function compareEntry({ bytes, count }: Block, place: number, key: Uint8Array): number {
  const at = bytes.length - (count - place) * PLACE_BYTES;
  const entry = (bytes[at]! | (bytes[at + 1]! << 8)) * PLACE_STEP;
  const length = bytes[entry + 10]! | (bytes[entry + 11]! << 8);
  return compareRanges(bytes, entry + ENTRY_BYTES, length, key, 0, key.length);
}

/** Bytewise order of two pieces of bytes, without making arrays of them. */
export function compareRanges(
  a: Uint8Array,
  startA: number,
  lengthA: number,
  b: Uint8Array,
  startB: number,
  lengthB: number,
): number {
  const shorter = Math.min(lengthA, lengthB);
  for (let at = 0; at < shorter; at++) {
    const difference = a[startA + at]! - b[startB + at]!;
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

/** The first entry of `block` whose key is not below `key`, or is above it; `count` if none is. */
export function firstFrom(block: Block, key: Uint8Array, above: boolean): number {
  let [low, high] = [0, block.count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareEntry(block, middle, key);
    if (order < 0 || (above && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A block whose bytes have been made here, or were verified before. */
export function blockOf(bytes: Uint8Array): Block {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(20, true);
  return { bytes, count, end: BLOCK_HEADER_BYTES + view.getUint32(24, true) };
}

/**
 * A copy of the block without the empty space in it: small segments have small blocks, and
 * thousands of them may be held at a time.
 */
export function trimmed({ bytes, count, end }: Block): Uint8Array {
  const places = count * PLACE_BYTES;
  const small = new Uint8Array(end + places);
  small.set(bytes.subarray(0, end));
  small.set(bytes.subarray(bytes.length - places), end);
  return small;
}
