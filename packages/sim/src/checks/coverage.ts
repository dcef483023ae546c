/** What runs may come across; a simulation that never sees one of them does not test it. */
const EVENTS = [
  'fault: absence',
  'fault: succession',
  'fault: overwrite',
  'fault: depose',
  'fault: relapse',
  'fault: crashAfterFlush',
  'fault: starveSnapshot',
  'fault: slowDisk',
  'fault: hangDisk',
  'fault: wipe',
  'fault: rot',
  'fault: loseFile',
  'fault: garble',
  'fault: crash',
  'fault: blackout',
  'fault: kill',
  'fault: restart',
  'fault: crashInOperation',
  'fault: killInOperation',
  'fault: pause',
  'fault: split',
  'fault: isolate',
  'fault: cutOneWay',
  'fault: deafen',
  'fault: heal',
  'fault: slowLinks',
  'fault: break',
  'fault: breakOneSide',
  'fault: fillDisk',
  'fault: failFlush',
  'fault: failWrite',
  'halves born apart',
  'message doubled',
  'message overtaken',
  'crashed in an operation',
  'killed in an operation',
  'exited by itself',
  'took no more part',
  'started again',
  'leadership transferred',
  'member added',
  'member promoted',
  'member removed',
  'member replaced',
  'change or transfer refused',
  'change or transfer not answered',
  'left, removed',
  'left, wiped',
  'beyond repair',
  'damage met by a read',
  'began anew, its data lost',
  'whole again',
  'snapshot installed',
  'log purged',
  'one fault outlived',
  'leader elected',
  'leader replaced',
  'entries applied',
  'states compared',
  'entries replaced',
  'several leaders at once',
  'put acknowledged',
  'put of unknown outcome',
  'put without effect',
  'del acknowledged',
  'del of unknown outcome',
  'del without effect',
  'get answered',
  'get without answer',
] as const;

export type SimEvent = (typeof EVENTS)[number];

/** Counts how often runs met each. */
export class Coverage {
  readonly #counts: Map<SimEvent, number> = new Map(EVENTS.map((event) => [event, 0]));

  get counts(): ReadonlyMap<SimEvent, number> {
    return this.#counts;
  }

  count(event: SimEvent, times: number = 1): void {
    this.#counts.set(event, this.#counts.get(event)! + times);
  }

  add(counts: ReadonlyMap<SimEvent, number>): void {
    for (const [event, times] of counts) this.count(event, times);
  }

  /** A line for each. */
  describe(): string[] {
    return [...this.#counts].map(([event, times]) => `${String(times).padStart(12)}  ${event}`);
  }
}
