import { assert } from '@dle/common';
import { MAX_SEGMENTS } from '../limits.js';

/**
 * Where a record lies: the slot of its segment and its offset there, in one number that an entry of
 * the index has room for.
 */
export type Position = number;

/** No record. */
export const NO_POSITION: Position = -1;

/** Records begin at multiples of 8, in segments of at most 1 GiB: 27 bits hold an offset. */
const OFFSET_STEP = 8;
export const OFFSET_BITS = 27;
const OFFSETS: number = 2 ** OFFSET_BITS;

/** Enough for `MAX_SEGMENTS`. */
export const SLOT_BITS = 16;

export function positionOf(slot: number, offset: number): Position {
  return slot * OFFSETS + offset / OFFSET_STEP;
}

export function slotOf(position: Position): number {
  return Math.floor(position / OFFSETS);
}

export function offsetOf(position: Position): number {
  return (position % OFFSETS) * OFFSET_STEP;
}

/** Small numbers for segments, whose ids only rise. */
export class SegmentSlots {
  readonly #slots = new Map<number, number>();
  readonly #segments: number[] = [];
  /** Of segments that are gone. */
  readonly #free: number[] = [];

  /** The slot of `segment`, which gets one if it has none. */
  slotOf(segment: number): number {
    const present = this.#slots.get(segment);
    if (present !== undefined) return present;
    const slot = this.#free.pop() ?? this.#segments.length;
    assert(slot < MAX_SEGMENTS, `${slot} segments; the log must not have made so many`);
    this.#segments[slot] = segment;
    this.#slots.set(segment, slot);
    return slot;
  }

  /** No slot from there on is, or was, in use. */
  get end(): number {
    return this.#segments.length;
  }

  segmentAt(slot: number): number {
    return this.#segments[slot]!;
  }

  /** `segment` is gone, and no position leads there: its slot is free for another one. */
  free(segment: number): void {
    const slot = this.#slots.get(segment);
    if (slot === undefined) return;
    this.#slots.delete(segment);
    this.#free.push(slot);
  }
}
