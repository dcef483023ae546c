import { basename } from 'node:path';
import type { MemEnd } from '../mem-vfs.js';

/** What runs may come across; a test that never sees one of them does not test it. */
const EVENTS = [
  'put',
  'delete',
  'batch',
  'clear',
  'value larger than a segment',
  'more in one turn than a segment holds',
  'write acknowledged as durable',
  'write acknowledged, not durable',
  'write refused, disk full',
  'write refused, I/O error',
  'write refused, poisoned',
  'write refused, closed',
  'write of unknown outcome, poisoned',
  'flush acknowledged',
  'flush failed',
  'idle long enough to be flushed',
  'read getSync',
  'read getInto',
  'read getView',
  'read has',
  'read get',
  'read getMany',
  'read of a whole snapshot',
  'all keys compared while running',
  'view held to the end of a life',
  'second open refused',
  'verified',
  'opened for the first time',
  'opened after a clean close',
  'opened after the close of a poisoned store',
  'opened after a kill',
  'opened after a crash',
  'opened on a full disk',
  'open failed, no room for a first one',
  'open failed, injected fault',
  'recovered all writes',
  'recovered fewer writes than were made',
  'recovered a write that was not acknowledged',
  'closed clean',
  'closed on a full disk',
  'closed poisoned',
  'closed with writes under way',
  'crashes in each operation of an opening',
  'compaction asked for',
  'compaction done',
  'compaction done while nothing else happened',
  'compaction aborted',
  'compaction failed, disk full',
  'compaction failed, I/O error',
  'compaction failed, poisoned',
  'compaction failed, closed',
  'compaction failed, and the log goes on',
  'compaction begun by itself',
  'compaction under way at the close',
  'compaction comes to rest',
  'crashes in each operation of a compaction',
  'failures in each operation of a compaction',
  'a disk that is full at each step of a compaction',
  'manifest written',
  'output installed',
  'output without a manifest, left by a crash',
  'segment of a gap, left by a crash',
  'segment of a gap that holds a snapshot up',
  'gaps joined',
  'recovery with gaps',
  'recovery with sorted segments',
  'records dropped',
  'deletes kept',
  'deletes dropped',
  'spent files dropped without a job',
  'space given back',
  'sixteen sorted runs',
  'backup asked for',
  'backup made',
  'backup brought up to date',
  'backup while compacting',
  'backup under way at the close',
  'backup aborted',
  'backup failed, disk full',
  'backup failed, I/O error',
  'backup failed, poisoned',
  'backup failed, closed',
  'backup that was interrupted refused',
  'backup that was never made refused',
  'backup opened as it is',
  'backup restored',
  'restore gone on with',
  'restore failed, disk full',
  'restore failed, I/O error',
  'repair interrupted',
  'repair of nothing',
  'repair without a loss',
  'repair that names what is lost',
  'repair that says where something is lost',
  'key directory of the log damaged',
  'key directory of the log removed',
  'key directory of a sorted segment damaged',
  'key directory of a sorted segment removed',
  'key directory lost for good',
  'key directory found damaged and made again',
  'snapshot held through compactions',
  'verified while compacting',
  'verified, poisoned',
  'gone while opening',
  'gone while running',
  'gone while closing',
] as const;

export type CrashEvent = (typeof EVENTS)[number];

/** Counts how often runs met each event, and in which I/O operations they ended. */
export class Coverage {
  readonly #events: Map<string, number> = new Map(EVENTS.map((event) => [event, 0]));
  readonly #ends = new Map<string, number>();

  count(event: CrashEvent): void {
    increase(this.#events, event, 1);
  }

  /** The process has ended in the midst of an operation, as a `MemVfs` names it. */
  countEnd({ kind, operation, previous }: MemEnd): void {
    const what = operation === undefined ? 'no operation' : nameOf(operation);
    const isInstalling = what === 'flush directory' && previous?.startsWith('rename');
    const behind = isInstalling ? ` behind ${nameOf(previous!)}` : '';
    increase(this.#ends, `${kind} in ${what}${behind}`, 1);
  }

  add(other: Coverage): void {
    for (const [event, times] of other.#events) increase(this.#events, event, times);
    for (const [end, times] of other.#ends) increase(this.#ends, end, times);
  }

  timesOf(event: CrashEvent): number {
    return this.#events.get(event)!;
  }

  /** How often a process has ended in `what`, by a crash or killed. */
  endsIn(what: string): number {
    return (this.#ends.get(`crash in ${what}`) ?? 0) + (this.#ends.get(`kill in ${what}`) ?? 0);
  }

  /** A line for each. */
  describe(): string[] {
    const ends = [...this.#ends].sort(([one], [other]) => (one < other ? -1 : 1));
    return [...this.#events, ...ends].map(([what, times]) => `${`${times}`.padStart(10)}  ${what}`);
  }
}

/** What is done, and to which kind of file: two of one kind have one name. */
function nameOf(operation: string): string {
  const [verb, path = ''] = operation.split(' ');
  const name = /manifest.*|reserve|lock|\.[a-z.]+$/.exec(basename(path))?.[0];
  return `${verb} ${name ?? 'directory'}`;
}

function increase(counts: Map<string, number>, key: string, times: number): void {
  counts.set(key, (counts.get(key) ?? 0) + times);
}
