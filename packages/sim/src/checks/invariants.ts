import { crc32, isDleError } from '@dle/common';
import { InvariantViolation } from '@dle/raft/testing';
import type { DleNode } from '@dle/server';
import type { Machine } from '../cluster/machine.js';
import type { Dice } from '../dice.js';
import type { Life } from '../time/life.js';
import type { Coverage } from './coverage.js';
import { LogMatching, type LogMatchingView } from './log-matching.js';

type Inside = DleNode['internals'];
type Store = Inside['store'];
type Log = Store['log'];
type Core = NonNullable<Inside['consensus']>['raft']['core'];

/** Of the times that a node has applied something: how often its whole state is looked at. */
const COMPARED = 0.03;
const ALL_BYTES = Number.MAX_SAFE_INTEGER;

/** Beyond its bound, a leader may have a disk that hangs until its clock has rung. */
const DISK_GRACE_MS = 1_000;
/** A process to which nothing has happened for longer has slept, and known of nothing. */
const SLEPT_MS = 300;
/** Longer than a clock of a node takes for what is a second in the world. */
const MOST_CLOCK_ERROR = 1.25;

/** What a life of a node has let be seen, which it must not take back. */
interface Known {
  readonly life: Life;
  /** Of the data that it had then. */
  readonly log: Log;
  readonly view: LogMatchingView;
  term: number;
  vote: number;
  commit: number;
  applied: number;
  purged: number;
  lastIndex: number;
  lastTerm: number;
  leads: boolean;
  lostData: boolean;
  /** Whether all of it is on the device. */
  durable: boolean;
  flushed: number;
  lookedAt: number;
  /** Since when there has been something to flush, and no flush has ended. */
  busySince: number;
}

export interface InvariantsComponents {
  readonly dice: Dice;
  readonly coverage: Coverage;
  /** A node has begun to lead. */
  readonly elected: (machine: Machine) => void;
  /** Whether the data of a node has been damaged, and not been repaired for certain. */
  readonly isHarmed: (machine: Machine) => boolean;
  /** The time of the world, in milliseconds. */
  readonly now: () => number;
}

export interface InvariantsOptions {
  /** How long a disk may take whose node leads, by the node's clock. */
  readonly diskTimeoutMs: number;
}

/**
 * Holds nodes against what Raft promises, after each event and by what shows from outside of the
 * core:
 *
 * - election safety: one leader a term, and one vote a term, crashes included;
 * - log matching: an entry is known by index and term, and shares what precedes it;
 * - leader completeness: a new leader has all that was committed in earlier terms;
 * - state machine safety: equal state at equal index, byte for byte;
 * - what is committed at an index is so everywhere and for ever;
 * - purged <= applied <= committed <= last; of these all but the last never fall, nor does the
 *   term;
 * - what a device was reported to hold is there when the process starts again;
 * - whoever leads has a disk that writes.
 */
export class Invariants {
  readonly #components: InvariantsComponents;
  readonly #options: InvariantsOptions;
  readonly #known = new Map<Machine, Known>();
  readonly #leaders = new Map<number, string>();
  /** Terms of the committed entries, by index; and the terms in which they were. */
  readonly #committed: number[] = [0];
  readonly #committedIn: number[] = [0];
  readonly #matching = new LogMatching();
  readonly #states = new Map<number, { readonly hash: number; readonly name: string }>();
  #lastTermLed = 0;

  constructor(components: InvariantsComponents, options: InvariantsOptions) {
    this.#components = components;
    this.#options = options;
  }

  /** Index up to which anybody has been seen to have committed. */
  get commit(): number {
    return this.#committed.length - 1;
  }

  /** The disk of `machine` is another one: its node need not know anything of what it knew. */
  forget(machine: Machine): void {
    this.#known.delete(machine);
  }

  /** The process of `machine` has ended in the midst of what it was doing. */
  interrupted(machine: Machine): void {
    const known = this.#known.get(machine);
    if (known !== undefined) known.durable = false;
  }

  /** Something has happened to the node of `machine`. */
  look(machine: Machine): void {
    const inside = machine.node?.internals;
    const core = inside?.consensus?.raft.core;
    if (inside === undefined || core === undefined) return;
    const { store } = inside;
    const { name } = machine;
    const { term, vote, commit, role } = core;
    const known = this.#knownOf(machine, store.log, term, vote, core.lostData);
    const { appliedIndex: applied, log } = store;
    const { lastIndex } = log;
    const purged = log.firstIndex - 1;
    check(term >= known.term, () => `${name}: term ${term} after ${known.term}`);
    if (term === known.term && known.vote !== 0) {
      check(
        vote === known.vote,
        () => `${name} votes for ${vote} after ${known.vote} in term ${term}`,
      );
    }
    check(commit >= known.commit, () => `${name}: commit ${commit} after ${known.commit}`);
    check(applied >= known.applied, () => `${name}: applied ${applied} after ${known.applied}`);
    check(purged >= known.purged, () => `${name}: purged ${purged} after ${known.purged}`);
    check(purged <= applied, () => `${name} has purged ${purged}, and applied ${applied}`);
    check(applied <= commit, () => `${name} has applied ${applied}, and committed ${commit}`);
    check(commit <= lastIndex, () => `${name} has committed ${commit}, and holds ${lastIndex}`);
    this.#notice(known, core.lostData, purged);
    if (lastIndex < known.lastIndex) this.#components.coverage.count('entries replaced');
    check(known.view.look(log), () => `${name}: ${this.#matching.problem}`);
    const leads = role === 'leader';
    if (leads && (!known.leads || term > known.term)) this.#checkLeader(machine, term, store);
    if (commit > known.commit) this.#noteCommit(name, store, known.commit, commit, term);
    if (applied > known.applied) this.#noteApplied(machine, store, applied - known.applied);
    Object.assign(known, { term, vote, commit, applied, purged, lastIndex, leads });
    known.lastTerm = log.termAt(lastIndex);
    this.#lookAtDisk(known, log);
    if (leads) this.#checkDisk(name, known, core);
    // What it could not even write, it has not promised.
    if (inside.consensus?.raft.stopped !== undefined) known.durable = false;
  }

  #notice(known: Known, lostData: boolean, purged: number): void {
    const { coverage } = this.#components;
    if (lostData && !known.lostData) coverage.count('began anew, its data lost');
    if (!lostData && known.lostData) coverage.count('whole again');
    known.lostData = lostData;
    if (purged > known.purged) {
      coverage.count(purged > known.applied ? 'snapshot installed' : 'log purged');
    }
  }

  #knownOf(machine: Machine, log: Log, term: number, vote: number, lostData: boolean): Known {
    const known = this.#known.get(machine);
    if (known?.life === machine.life && known.log === log) return known;
    const now = this.#components.now();
    const fresh: Known = {
      life: machine.life,
      log,
      view: this.#matching.view(),
      ...{ term: 0, vote: 0, commit: 0, applied: 0, purged: 0, lastIndex: 0, lastTerm: 0 },
      ...{ leads: false, lostData: false, durable: false, flushed: 0 },
      ...{ lookedAt: now, busySince: now },
    };
    const isSameLife = known?.life === machine.life;
    const hasFailed = known?.log.failure !== undefined;
    if (known !== undefined && isSameLife && !lostData && !hasFailed) {
      // A snapshot has taken the place of what was there: nothing is taken back by that. A disk
      // that has failed is opened anew as by another process.
      const { applied, purged, commit } = known;
      Object.assign(fresh, { applied, purged, commit, term: known.term, vote: known.vote });
    } else if (known?.durable === true && !lostData) {
      checkKept(machine.name, known, log, { term, vote });
    }
    this.#known.set(machine, fresh);
    return fresh;
  }

  #lookAtDisk(known: Known, log: Log): void {
    const now = this.#components.now();
    const { accepted, flushed } = log;
    const slept = now - known.lookedAt;
    known.lookedAt = now;
    known.durable = accepted === flushed && log.failure === undefined;
    if (known.durable || flushed > known.flushed) known.busySince = now;
    else if (slept > SLEPT_MS) known.busySince += slept;
    known.flushed = flushed;
  }

  #checkDisk(name: string, known: Known, core: Core): void {
    const busyMs = known.lookedAt - known.busySince;
    if (busyMs <= MOST_CLOCK_ERROR * this.#options.diskTimeoutMs + DISK_GRACE_MS) return;
    const { durableIndex, lastIndex } = core.status();
    check(durableIndex === lastIndex, () => `${name} leads, its disk busy for ${busyMs} ms`);
    // What hangs holds nothing that consensus waits for.
    known.busySince = known.lookedAt;
  }

  #checkLeader(machine: Machine, term: number, store: Store): void {
    const { name, life } = machine;
    this.#components.elected(machine);
    const leader = `${name} in its life ${life.number}`;
    const other = this.#leaders.get(term) ?? leader;
    check(other === leader, () => `${other} and ${leader} both lead term ${term}`);
    this.#leaders.set(term, leader);
    this.#components.coverage.count('leader elected');
    if (term > this.#lastTermLed) {
      if (this.#lastTermLed > 0) this.#components.coverage.count('leader replaced');
      this.#lastTermLed = term;
    }
    const others = [...this.#known.entries()].filter(
      ([other, { leads }]) => leads && other !== machine && other.isRunning,
    );
    if (others.length > 0) this.#components.coverage.count('several leaders at once');
    // A leader of an older term may learn late that it was elected, and lacks what came after it.
    const last = this.#committedIn.findLastIndex((earlier) => earlier < term);
    if (last <= 0 || last < store.log.firstIndex) return;
    check(
      last <= store.log.lastIndex && store.log.termAt(last) === this.#committed[last],
      () => `${name} leads term ${term} without entry ${last}, which is committed`,
    );
  }

  #noteCommit(name: string, { log }: Store, from: number, to: number, term: number): void {
    for (let index = Math.max(from + 1, log.firstIndex); index <= to; index++) {
      const entryTerm = log.termAt(index);
      const other = this.#committed[index];
      if (other === undefined) {
        this.#committed[index] = entryTerm;
        this.#committedIn[index] = term;
      } else {
        const which = `${index}@${entryTerm}, elsewhere ${index}@${other}`;
        check(other === entryTerm, () => `${name} commits ${which}`);
      }
    }
  }

  #noteApplied(machine: Machine, store: Store, count: number): void {
    this.#components.coverage.count('entries applied', count);
    if (this.#components.dice.chance(COMPARED)) this.compare(machine, store);
  }

  /** Undefined: it cannot be read, and that is how it should be. */
  #hashOf(machine: Machine, store: Store): number | undefined {
    try {
      return hashOf(contentOf(store));
    } catch (thrown) {
      if (!this.#components.isHarmed(machine) || !isDleError(thrown, 'DLE_CORRUPT', 'DLE_IO'))
        throw thrown;
      this.#components.coverage.count('damage met by a read');
      return undefined;
    }
  }

  /** Holds the whole state of a node against that of the others at the same index. */
  compare(machine: Machine, store: Store): void {
    const { name } = machine;
    const hash = this.#hashOf(machine, store);
    if (hash === undefined) return;
    const index = store.appliedIndex;
    const other = this.#states.get(index);
    if (other === undefined) this.#states.set(index, { hash, name });
    else {
      check(
        other.hash === hash,
        () => `${name} and ${other.name} differ in their state at ${index}`,
      );
      this.#components.coverage.count('states compared');
    }
  }
}

/** What was on the device is what a process finds. */
function checkKept(
  name: string,
  known: Known,
  log: Log,
  now: { term: number; vote: number },
): void {
  const kept = `${known.lastIndex}@${known.lastTerm}`;
  const found = `${log.lastIndex}@${log.termAt(log.lastIndex)}`;
  // A snapshot that had come whole takes the place of what there was when it starts.
  const isReplaced = log.firstIndex - 1 > known.commit;
  check(
    found === kept || isReplaced,
    () => `${name} finds entry ${found} as its last one, and had flushed ${kept}`,
  );
  check(
    now.term > known.term || (now.term === known.term && now.vote === known.vote),
    () =>
      `${name} finds term ${now.term}, vote ${now.vote}, and had flushed ${known.term}, ${known.vote}`,
  );
}

/** All pairs that a store holds, by their keys. */
export function contentOf(store: Store): Map<string, Uint8Array> {
  const snapshot = store.snapshotKeys();
  try {
    const content = new Map<string, Uint8Array>();
    for (;;) {
      const pairs = snapshot.next(ALL_BYTES);
      if (pairs.length === 0) return content;
      for (const { key, value } of pairs) content.set(Buffer.from(key).toString('latin1'), value);
    }
  } finally {
    snapshot.close();
  }
}

function hashOf(content: ReadonlyMap<string, Uint8Array>): number {
  let hash = 0;
  for (const key of [...content.keys()].sort()) {
    hash = crc32(content.get(key)!, crc32(Buffer.from(key, 'latin1'), hash));
  }
  return hash;
}

function check(holds: boolean, broken: () => string): void {
  if (!holds) throw new InvariantViolation(broken());
}
