import type { LogGap } from '../log/log-options.js';

/** Whether `segment` lies in one of the gaps, which rise. */
export function isGone(gaps: readonly LogGap[], segment: number): boolean {
  let [low, high] = [0, gaps.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (gaps[middle]!.end.segment < segment) low = middle + 1;
    else high = middle;
  }
  return low < gaps.length && gaps[low]!.firstSegment <= segment;
}
