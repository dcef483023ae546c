import { crc32 } from '@dle/common';
import { InvariantViolation } from '@dle/raft/testing';
import type { DleNode } from '@dle/server';
import type { Machine } from '../cluster/machine.js';
import type { Dice } from '../dice.js';
import type { Life } from '../time/life.js';
import type { Coverage } from './coverage.js';

type Inside = DleNode['internals'];
type Store = Inside['store'];

/** Of the times that a node has applied something: how often its whole state is looked at. */
const COMPARED = 0.03;
const ALL_BYTES = Number.MAX_SAFE_INTEGER;

/** What a life of a node has let be seen, which it must not take back. */
interface Known {
  readonly life: Life;
  term: number;
  commit: number;
  applied: number;
  lastIndex: number;
  leads: boolean;
}

/**
 * Holds nodes against what Raft promises, after each event and by what shows from outside of the
 * core: one leader a term, who has all that was committed before; what is committed at an index is
 * so everywhere and for ever; applied <= committed <= last, and neither of the first two, nor the
 * term, ever falls; equal state at equal index, byte for byte.
 */
export class Invariants {
  readonly #dice: Dice;
  readonly #coverage: Coverage;
  readonly #known = new Map<Machine, Known>();
  readonly #leaders = new Map<number, string>();
  /** Terms of the committed entries, by index; and the terms in which they were. */
  readonly #committed: number[] = [0];
  readonly #committedIn: number[] = [0];
  readonly #states = new Map<number, { readonly hash: number; readonly name: string }>();
  #lastTermLed = 0;

  constructor(components: { readonly dice: Dice; readonly coverage: Coverage }) {
    this.#dice = components.dice;
    this.#coverage = components.coverage;
  }

  /** Index up to which anybody has been seen to have committed. */
  get commit(): number {
    return this.#committed.length - 1;
  }

  /** Something has happened to the node of `machine`. */
  look(machine: Machine): void {
    const inside = machine.node?.internals;
    const core = inside?.consensus?.raft.core;
    if (inside === undefined || core === undefined) return;
    const { store } = inside;
    const known = this.#knownOf(machine);
    const { name } = machine;
    const { term, commit, role } = core;
    const { appliedIndex: applied, log } = store;
    const { lastIndex } = log;
    check(term >= known.term, `${name}: term ${term} after ${known.term}`);
    check(commit >= known.commit, `${name}: commit ${commit} after ${known.commit}`);
    check(applied >= known.applied, `${name}: applied ${applied} after ${known.applied}`);
    check(applied <= commit, `${name} has applied ${applied}, and committed ${commit}`);
    check(commit <= lastIndex, `${name} has committed ${commit}, and holds ${lastIndex}`);
    if (lastIndex < known.lastIndex) this.#coverage.count('entries replaced');
    const leads = role === 'leader';
    if (leads && (!known.leads || term > known.term)) this.#checkLeader(machine, term, store);
    if (commit > known.commit) this.#noteCommit(name, store, known.commit, commit, term);
    if (applied > known.applied) this.#noteApplied(name, store, applied - known.applied);
    Object.assign(known, { term, commit, applied, lastIndex, leads });
  }

  #knownOf(machine: Machine): Known {
    const known = this.#known.get(machine);
    if (known?.life === machine.life) return known;
    const nothing = { term: 0, commit: 0, applied: 0, lastIndex: 0, leads: false };
    const fresh = { life: machine.life, ...nothing };
    this.#known.set(machine, fresh);
    return fresh;
  }

  #checkLeader({ name, life }: Machine, term: number, store: Store): void {
    const leader = `${name} in its life ${life.number}`;
    const other = this.#leaders.get(term) ?? leader;
    check(other === leader, `${other} and ${leader} both lead term ${term}`);
    this.#leaders.set(term, leader);
    this.#coverage.count('leader elected');
    if (term > this.#lastTermLed) {
      if (this.#lastTermLed > 0) this.#coverage.count('leader replaced');
      this.#lastTermLed = term;
    }
    const others = [...this.#known.entries()].filter(
      ([machine, { leads }]) => leads && machine.name !== name && machine.isRunning,
    );
    if (others.length > 0) this.#coverage.count('several leaders at once');
    // A leader of an older term may learn late that it was elected, and lacks what came after it.
    const last = this.#committedIn.findLastIndex((earlier) => earlier < term);
    if (last <= 0 || last < store.log.firstIndex) return;
    check(
      last <= store.log.lastIndex && store.log.termAt(last) === this.#committed[last],
      `${name} leads term ${term} without entry ${last}, which is committed`,
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
        check(other === entryTerm, `${name} commits ${which}`);
      }
    }
  }

  #noteApplied(name: string, store: Store, count: number): void {
    this.#coverage.count('entries applied', count);
    if (this.#dice.chance(COMPARED)) this.compare(name, store);
  }

  /** Holds the whole state of a node against that of the others at the same index. */
  compare(name: string, store: Store): void {
    const hash = hashOf(store);
    const index = store.appliedIndex;
    const other = this.#states.get(index);
    if (other === undefined) this.#states.set(index, { hash, name });
    else {
      check(other.hash === hash, `${name} and ${other.name} differ in their state at ${index}`);
      this.#coverage.count('states compared');
    }
  }
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

function hashOf(store: Store): number {
  let hash = 0;
  const content = contentOf(store);
  for (const key of [...content.keys()].sort()) {
    hash = crc32(content.get(key)!, crc32(Buffer.from(key, 'latin1'), hash));
  }
  return hash;
}

function check(holds: boolean, broken: string): void {
  if (!holds) throw new InvariantViolation(broken);
}
