/** A sealed file, and what of it still counts. */
export interface Weighed {
  readonly id: number;
  readonly kind: 'log' | 'sorted';
  readonly run: number;
  /** Of the file. */
  readonly bytes: number;
  /** Of the records that a rewrite would have to keep, as far as is known. */
  readonly keep: number;
}

export interface ChoiceLimits {
  /** What an output may hold. */
  readonly segmentBytes: number;
  /** Of what is kept by one job: there must be room for it on the disk. */
  readonly maxKeptBytes: number;
  /** Files may be so many times larger than what counts in them before space is won back. */
  readonly spaceRatio: number;
  /** Whether any space that can be won back is wanted. */
  readonly isUrgent: boolean;
}

/**
 * Most sorted runs: a scan looks at one record of each for every step. Sealed segments of the log
 * are runs of their own; more of them than that many are merged even if all in them counts.
 */
export const MAX_RUNS = 16;
const MAX_LOG_SEGMENTS = 48;

/**
 * A job takes in at least so many segments, or that part of the store, if as much is to be won.
 * While it runs, what it writes takes space beside what it reads.
 */
const MIN_JOB_SEGMENTS = 2;
const MIN_JOB_PART = 1 / 16;

/** A segment of which more than that counts is not worth a rewrite for its space. */
const MAX_KEPT_SHARE = 0.85;

/** Files open at a time, at most. */
const MAX_INPUTS = 256;

/**
 * Which files to rewrite now: none, or those with the lowest live share first until enough space
 * is won, and as many runs as there are too many. What holds nothing that counts is always taken:
 * it costs nothing. Pure: the same figures give the same answer.
 */
export function chooseInputs<File extends Weighed>(
  files: readonly File[],
  limits: ChoiceLimits,
): File[] {
  const chosen = new Set<File>();
  let kept = 0;
  const take = (file: File): void => {
    if (chosen.has(file) || chosen.size >= MAX_INPUTS) return;
    if (kept + file.keep > limits.maxKeptBytes) return;
    chosen.add(file);
    kept += file.keep;
  };
  for (const file of files) if (file.keep === 0) take(file);
  const spent = chosen.size;
  for (const file of forSpace(files, limits)) take(file);
  for (const file of forFewerRuns(files, chosen)) take(file);
  // One alone that keeps all it has would be written once more for nothing.
  const [first, second] = [...chosen].slice(spent);
  const isVain = second === undefined && first !== undefined && !winsSpace(first);
  return isVain ? [...chosen].slice(0, spent) : [...chosen];
}

function winsSpace({ bytes, keep }: Weighed): boolean {
  return keep <= bytes * MAX_KEPT_SHARE;
}

function forSpace<File extends Weighed>(
  files: readonly File[],
  { segmentBytes, isUrgent, spaceRatio }: ChoiceLimits,
): File[] {
  const bytes = sum(files, (file) => file.bytes);
  const keep = sum(files, (file) => file.keep);
  // Less than what a segment holds is not worth a file of its own.
  const isDue = bytes > keep * spaceRatio && bytes - keep >= segmentBytes / 2;
  if (!isDue && !isUrgent) return [];
  const wanted = Math.max(MIN_JOB_SEGMENTS * segmentBytes, bytes * MIN_JOB_PART);
  const taken: File[] = [];
  let takenBytes = 0;
  for (const file of [...files].sort(byShare)) {
    if (takenBytes >= wanted || !winsSpace(file)) break;
    taken.push(file);
    takenBytes += file.bytes;
  }
  return taken;
}

function byShare(a: Weighed, b: Weighed): number {
  return a.keep / a.bytes - b.keep / b.bytes || a.id - b.id;
}

/** Whole runs, the smallest first, and segments of the log, of which there are too many. */
function forFewerRuns<File extends Weighed>(
  files: readonly File[],
  chosen: ReadonlySet<File>,
): File[] {
  const rest = files.filter((file) => !chosen.has(file));
  const segments = rest.filter(({ kind }) => kind === 'log');
  const tooMany = segments.length > MAX_LOG_SEGMENTS;
  const fromLog = tooMany ? segments.sort(byShare).slice(0, MAX_LOG_SEGMENTS / 2) : [];
  const runs = runsOf(rest);
  // What is written makes one more.
  const isWritten = fromLog.length > 0 || [...chosen].some(({ keep }) => keep > 0);
  const excess = runs.length + (isWritten ? 1 : 0) - MAX_RUNS;
  if (excess <= 0) return fromLog;
  // So many at once that the next few jobs need not do it again.
  const merged = runs.slice(0, excess + MAX_RUNS / 4);
  return [...fromLog, ...merged.flatMap((run) => run.files)];
}

interface Run<File> {
  readonly files: File[];
  bytes: number;
}

/** The sorted runs, the smallest first. */
function runsOf<File extends Weighed>(files: readonly File[]): Run<File>[] {
  const runs = new Map<number, Run<File>>();
  for (const file of files) {
    if (file.kind !== 'sorted') continue;
    const run = runs.get(file.run) ?? ({ files: [], bytes: 0 } as Run<File>);
    runs.set(file.run, run);
    run.files.push(file);
    run.bytes += file.bytes;
  }
  return [...runs.values()].sort((a, b) => a.bytes - b.bytes);
}

function sum(files: readonly Weighed[], of: (file: Weighed) => number): number {
  return files.reduce((total, file) => total + of(file), 0);
}
