/** A sealed file, and what of it still counts. */
export interface Weighed {
  readonly id: number;
  readonly kind: 'log' | 'sorted';
  readonly run: number;
  /** Of the file. */
  readonly bytes: number;
  /** Of the records that a rewrite would have to keep, as far as is known. */
  readonly keep: number;
  /** Nothing in it counts: it goes without being read. */
  readonly isSpent: boolean;
}

export interface ChoiceLimits {
  /** What an output may hold. */
  readonly segmentBytes: number;
  /** Of what is kept by one job: there must be room for it on the disk. */
  readonly maxKeptBytes: number;
  /** Files may be so many times larger than what counts in them before space is won back. */
  readonly spaceRatio: number;
  /** Whether any space that can be won back is wanted, and nothing else is. */
  readonly isUrgent: boolean;
}

/**
 * Most sorted runs: a scan looks at one record of each for every step. Sealed segments of the log
 * are sources of their own; more of them than that many are merged even if all in them counts.
 */
export const MAX_RUNS = 16;
const MAX_LOG_SEGMENTS = 48;

/**
 * What a job merges at most: segments of the log, and sorted runs, whose files are read one after
 * the other and so count as one. Only what counts files would have to cut a large run in pieces,
 * which leaves a run more than before: such a store would be rewritten for ever.
 */
const MAX_SOURCES = 256;

/**
 * A job takes in at least so many segments, or that part of the store, if as much is to be won.
 * While it runs, what it writes takes space beside what it reads.
 */
const MIN_JOB_SEGMENTS = 2;
const MIN_JOB_PART = 1 / 16;

/** A segment of which more than that counts is not worth a rewrite for its space. */
const MAX_KEPT_SHARE = 0.85;

/**
 * Which files to rewrite now: none, or those with the lowest live share first until enough space
 * is won, and as many runs as there are too many. What holds nothing that counts is always taken:
 * it costs nothing. Pure: the same figures give the same answer.
 *
 * Without new writes it comes to rest: each choice but the last wins space, or leaves fewer runs or
 * segments of the log and not more of the other.
 */
export function chooseInputs<File extends Weighed>(
  files: readonly File[],
  limits: ChoiceLimits,
): File[] {
  const job = new Job<File>(limits.maxKeptBytes);
  for (const file of files) if (file.keep === 0) job.take(file);
  for (const file of forSpace(files, limits)) job.take(file);
  if (!limits.isUrgent) addForFewerSources(files, job);
  return job.isVain ? job.files.filter(({ isSpent }) => isSpent) : job.files;
}

/** What has been chosen so far. */
class Job<File extends Weighed> {
  readonly files: File[] = [];
  readonly #chosen = new Set<File>();
  readonly #sources = new Set<string>();
  readonly #maxKeptBytes: number;
  #kept = 0;

  constructor(maxKeptBytes: number) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  /** Whether it writes anything. */
  get writes(): boolean {
    return this.#kept > 0;
  }

  /** Sources there is room for. */
  get room(): number {
    return MAX_SOURCES - this.#sources.size;
  }

  /** Whether one source would be written once more as it is. */
  get isVain(): boolean {
    return this.#sources.size === 1 && !this.files.some((file) => !file.isSpent && winsSpace(file));
  }

  has(file: File): boolean {
    return this.#chosen.has(file);
  }

  take(file: File): void {
    if (this.#chosen.has(file) || this.#kept + file.keep > this.#maxKeptBytes) return;
    const source = sourceOf(file);
    if (!file.isSpent && this.room === 0 && !this.#sources.has(source)) return;
    if (!file.isSpent) this.#sources.add(source);
    this.#chosen.add(file);
    this.files.push(file);
    this.#kept += file.keep;
  }
}

function sourceOf({ kind, run, id }: Weighed): string {
  return kind === 'sorted' ? `run ${run}` : `segment ${id}`;
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
  for (const file of files.filter(winsSpace).sort(byShare)) {
    if (takenBytes >= wanted) break;
    taken.push(file);
    takenBytes += file.bytes;
  }
  return taken;
}

function byShare(a: Weighed, b: Weighed): number {
  return a.keep / a.bytes - b.keep / b.bytes || a.id - b.id;
}

/** Segments of the log, of which there are too many, and whole runs, the smallest first. */
function addForFewerSources<File extends Weighed>(files: readonly File[], job: Job<File>): void {
  const rest = files.filter((file) => !job.has(file));
  const runs = runsOf(rest);
  const segments = rest.filter(({ kind }) => kind === 'log');
  if (segments.length > MAX_LOG_SEGMENTS) {
    // Room is left for the runs: what is written from the log makes one more.
    const count = Math.min(segments.length - MAX_LOG_SEGMENTS / 2, job.room - 2 * MAX_RUNS);
    for (const segment of segments.sort(byShare).slice(0, Math.max(0, count))) job.take(segment);
  }
  const excess = runs.length + (job.writes ? 1 : 0) - MAX_RUNS;
  if (excess <= 0) return;
  // So many at once that the next few jobs need not do it again.
  for (const run of runs.slice(0, Math.min(excess + MAX_RUNS / 4, job.room))) {
    for (const file of run.files) job.take(file);
  }
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
