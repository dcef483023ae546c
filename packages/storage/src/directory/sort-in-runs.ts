import type { Pause } from './directory-keys.js';

/** A run is sorted in one go, in a millisecond or two. */
const RUN = 2_048;
/** So many are merged before others get the thread. */
const MERGED_AT_ONCE = 16_384;

/**
 * A merge sort that lets others have the thread between its steps. Sorts `items`, which it may
 * overwrite, and returns them or another array of the same length. Stable only as far as `compare`
 * is total.
 */
export async function sortInRuns(
  items: Uint32Array,
  compare: (a: number, b: number) => number,
  pause: Pause,
): Promise<Uint32Array> {
  for (let start = 0; start < items.length; start += RUN) {
    items.subarray(start, start + RUN).sort(compare);
    await pause();
  }
  let from = items;
  let to: Uint32Array = new Uint32Array(items.length);
  for (let width = RUN; width < items.length; width *= 2) {
    let merged = 0;
    for (let start = 0; start < items.length; start += 2 * width) {
      const middle = Math.min(start + width, items.length);
      const end = Math.min(middle + width, items.length);
      let left = start;
      let right = middle;
      for (let at = start; at < end; at++) {
        const takesLeft =
          left < middle && (right === end || compare(from[left]!, from[right]!) <= 0);
        to[at] = takesLeft ? from[left++]! : from[right++]!;
        if (++merged % MERGED_AT_ONCE === 0) await pause();
      }
    }
    [from, to] = [to, from];
  }
  return from;
}
