/** Where a record lies: the number of its segment and its offset there, in one number. */
export type Position = number;

/** Records begin at multiples of 8, in segments of at most 1 GiB: 27 bits hold an offset. */
const OFFSET_STEP = 8;
const OFFSETS = 2 ** 27;

export function positionOf(segment: number, offset: number): Position {
  return segment * OFFSETS + offset / OFFSET_STEP;
}

export function segmentOf(position: Position): number {
  return Math.floor(position / OFFSETS);
}

export function offsetOf(position: Position): number {
  return (position % OFFSETS) * OFFSET_STEP;
}

/** Which record holds the newest value of each key. O(1), in memory. */
export interface KeyIndex {
  readonly size: number;
  get(key: Uint8Array): Position | undefined;
  set(key: Uint8Array, position: Position): void;
  /** Whether it was there. */
  delete(key: Uint8Array): boolean;
  /** All positions, in no particular order. */
  positions(): Float64Array;
}

/**
 * On JavaScript's own hash table. A key is held as a string of its bytes: one byte each in memory.
 */
export class MapKeyIndex implements KeyIndex {
  readonly #positions = new Map<string, Position>();

  get size(): number {
    return this.#positions.size;
  }

  get(key: Uint8Array): Position | undefined {
    return this.#positions.get(bytesAsString(key));
  }

  set(key: Uint8Array, position: Position): void {
    this.#positions.set(bytesAsString(key), position);
  }

  delete(key: Uint8Array): boolean {
    return this.#positions.delete(bytesAsString(key));
  }

  positions(): Float64Array {
    return Float64Array.from(this.#positions.values());
  }
}

function bytesAsString(key: Uint8Array): string {
  const buffer = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.length);
  return buffer.toString('latin1');
}
