import type { SegmentSlots } from '../key-index/position.js';
import { MAX_SEGMENTS } from '../limits.js';

/**
 * How many bytes of each segment still count: those of the newest records of keys, exactly, and
 * those of the deletes in it. By slots, and off the collected heap: C counts in it, too.
 */
export class LiveBytes {
  /** Of puts, by slots; those of deletes follow, from `MAX_SEGMENTS` on. */
  readonly counts: Float64Array = new Float64Array(2 * MAX_SEGMENTS);
  readonly #slots: Pick<SegmentSlots, 'end'>;

  constructor(slots: Pick<SegmentSlots, 'end'>) {
    this.#slots = slots;
  }

  /** The record of `bytes` in the segment at `slot` is the newest of its key. */
  add(slot: number, bytes: number): void {
    this.counts[slot]! += bytes;
  }

  /** It is not any more. */
  subtract(slot: number, bytes: number): void {
    this.counts[slot]! -= bytes;
  }

  addTombstone(slot: number, bytes: number): void {
    this.counts[MAX_SEGMENTS + slot]! += bytes;
  }

  liveOf(slot: number): number {
    return this.counts[slot]!;
  }

  /** At least those of deletes that are the newest records of their keys. */
  tombstonesOf(slot: number): number {
    return this.counts[MAX_SEGMENTS + slot]!;
  }

  /** Of puts, in all segments. */
  get total(): number {
    let total = 0;
    const { end } = this.#slots;
    for (let slot = 0; slot < end; slot++) total += this.counts[slot]!;
    return total;
  }

  /** Forgets what lies in the segment at `slot`. */
  clear(slot: number): void {
    this.counts[slot] = 0;
    this.counts[MAX_SEGMENTS + slot] = 0;
  }

  clearAll(): void {
    this.counts.fill(0);
  }
}
