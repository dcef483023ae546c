/** What runs may come across; a test that never sees one of them does not test it. */
const EVENTS = [
  'put',
  'delete',
  'batch',
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

  /** The process has ended in the midst of `operation`, as a `MemVfs` names it. */
  countEnd(kind: string, operation: string | undefined): void {
    const [verb, path] = (operation ?? 'no operation').split(' ');
    const what = /\.[a-z]+$/.exec(path!)?.[0] ?? (operation === undefined ? path : 'directory');
    increase(this.#ends, `${kind} in ${verb} ${what}`, 1);
  }

  add(other: Coverage): void {
    for (const [event, times] of other.#events) increase(this.#events, event, times);
    for (const [end, times] of other.#ends) increase(this.#ends, end, times);
  }

  timesOf(event: CrashEvent): number {
    return this.#events.get(event)!;
  }

  /** A line for each. */
  describe(): string[] {
    const ends = [...this.#ends].sort(([one], [other]) => (one < other ? -1 : 1));
    return [...this.#events, ...ends].map(([what, times]) => `${`${times}`.padStart(10)}  ${what}`);
  }
}

function increase(counts: Map<string, number>, key: string, times: number): void {
  counts.set(key, (counts.get(key) ?? 0) + times);
}
