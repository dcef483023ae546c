/** What a store is made of, in bytes. */
export interface SpaceFigures {
  /** Of the newest records, headers included. */
  readonly live: number;
  /** Of their keys and values alone. */
  readonly user: number;
  /** Of what their key directories say of them. */
  readonly directories: number;
  /** Of files that compaction can do nothing about: the active segment, the reserve. */
  readonly fixed: number;
}

/** All files together should be no larger than so many times the keys and values in them. */
const WANTED_RATIO = 1.5;
/**
 * What may be written for each byte of keys and values, all included: in a store that is
 * overwritten at random, less space costs more writing.
 */
const WRITE_BUDGET = 3.2;
/** Below it a store would be rewritten for next to nothing. */
const LEAST_RATIO = 1.15;
/** Above it space is won back whatever it costs. */
const MOST_RATIO = 1.6;

/**
 * How many times larger than what counts in them sealed files may become before space is won back:
 * as few times as the budget for writing allows, or as is wanted.
 *
 * Where records are overwritten at random, and what is rewritten are the segments with the lowest
 * live share `s`, all files together have the share `(s - 1) / ln s`, and each byte of the log
 * costs `s / (1 - s)` bytes more (Rosenblum and Ousterhout, 1992; Menon, 1995, for the share). So
 * with keys of 16 and values of 100 bytes, whose records take 184 and 36 more in a directory, 3.5
 * bytes written for each of the user's leave no less than 1.7 bytes of files for each byte of
 * records that count.
 */
export function spaceRatio({ live, user, directories, fixed }: SpaceFigures): number {
  if (live === 0 || user <= 0) return LEAST_RATIO;
  const written = (live + directories) / user;
  const rewritten = Math.max(WRITE_BUDGET / written - 1, 0.1);
  const share = rewritten / (1 + rewritten);
  const affordable = Math.log(share) / (share - 1);
  const wanted = (WANTED_RATIO * user - fixed) / (live + directories);
  return Math.min(Math.max(affordable, wanted, LEAST_RATIO), MOST_RATIO);
}
