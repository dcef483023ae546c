import type { Operation } from './history.js';
import {
  ABSENT,
  applied,
  isFree,
  type Puzzle,
  puzzleOf,
  type State,
  type Step,
  UNREAD,
} from './register.js';

export type Verdict =
  | { readonly kind: 'linearizable' }
  /** Up to here there is an order that explains everything; with this operation there is none. */
  | { readonly kind: 'violation'; readonly operation: Operation }
  /** There was no time or memory to find out. */
  | { readonly kind: 'undecided'; readonly operation: Operation };

export interface CheckOptions {
  /** Most possibilities looked at in all; each takes about a microsecond. Default 5,000,000. */
  readonly maxPossibilities?: number;
}

/** One way how things may stand. */
interface Possibility {
  readonly state: State;
  /** Numbers of the steps that have happened, of those that are not over; rising. */
  readonly done: readonly number[];
  /** How many of the loose writes it has used up. */
  readonly puts: number;
  readonly dels: number;
}

/**
 * Whether the operations of one key are linearizable, the key being absent at first. The values of
 * puts must differ.
 *
 * Wing and Gong's search in the form that Lowe calls just-in-time ("Testing for linearizability",
 * 2017): time goes by once, from one begin or end of an operation to the next, with all possible
 * ways how things may stand. An operation happens at its end at the latest, and before that only if
 * another one needs it. Two ways that differ in nothing but the loose writes they have used are
 * one: that which has used fewer.
 */
export function checkKey(operations: readonly Operation[], options: CheckOptions = {}): Verdict {
  const search = new Search(puzzleOf(operations), options.maxPossibilities ?? 5_000_000);
  return search.run();
}

class Search {
  readonly #puzzle: Puzzle;
  readonly #open = new Map<number, Step>();
  #left: number;
  #possible: Possibility[] = [{ state: ABSENT, done: [], puts: 0, dels: 0 }];

  constructor(puzzle: Puzzle, maxPossibilities: number) {
    this.#puzzle = puzzle;
    this.#left = maxPossibilities;
  }

  run(): Verdict {
    for (const { step, ends } of moments(this.#puzzle.steps)) {
      if (!ends) {
        this.#open.set(step.number, step);
        this.#possible = this.#possible.map((possibility) => this.#settle(possibility));
        continue;
      }
      const after = this.#until(step);
      const { operation } = step;
      if (this.#left < 0) return { kind: 'undecided', operation };
      if (after.length === 0) return { kind: 'violation', operation };
      this.#open.delete(step.number);
      const frontier = new Frontier();
      for (const { done, ...rest } of after) {
        frontier.add({ ...rest, done: done.filter((number) => number !== step.number) });
      }
      this.#possible = frontier.all();
    }
    return { kind: 'linearizable' };
  }

  /** All ways in which `step` has happened. */
  #until(step: Step): Possibility[] {
    const seen = new Frontier();
    const found: Possibility[] = [];
    const todo = this.#possible.filter((possibility) => seen.add(possibility));
    for (let next = todo.pop(); next !== undefined && this.#left >= 0; next = todo.pop()) {
      this.#left--;
      if (next.done.includes(step.number)) found.push(next);
      else todo.push(...this.#nexts(next, step.ended).filter((after) => seen.add(after)));
    }
    return found;
  }

  /** What can happen next, at `now`. */
  #nexts(from: Possibility, now: number): Possibility[] {
    const nexts: Possibility[] = [];
    for (const step of this.#open.values()) {
      if (from.done.includes(step.number)) continue;
      const state = applied(step, from.state);
      if (state !== undefined) nexts.push({ ...from, state, done: insert(from.done, step.number) });
    }
    const { loosePuts, looseDels } = this.#puzzle;
    // A loose put is of use only where there must be something, a loose delete only where there
    // must be nothing.
    if (from.state === ABSENT && from.puts < begun(loosePuts, now)) {
      nexts.push({ ...from, state: UNREAD, puts: from.puts + 1 });
    } else if (from.state !== ABSENT && from.dels < begun(looseDels, now)) {
      nexts.push({ ...from, state: ABSENT, dels: from.dels + 1 });
    }
    return nexts.map((possibility) => this.#settle(possibility));
  }

  /** Lets everything happen that is free to. */
  #settle(possibility: Possibility): Possibility {
    let { done } = possibility;
    for (const step of this.#open.values()) {
      if (isFree(step, possibility.state) && !done.includes(step.number)) {
        done = insert(done, step.number);
      }
    }
    return done === possibility.done ? possibility : { ...possibility, done };
  }
}

/**
 * Possibilities, less those that another one is better than: the same, with fewer loose writes used
 * up.
 */
class Frontier {
  readonly #best = new Map<string, Possibility[]>();

  /** Whether it is new, and as good as any. */
  add(possibility: Possibility): boolean {
    const key = `${possibility.state}:${possibility.done.join()}`;
    const alike = this.#best.get(key) ?? [];
    if (alike.some((other) => isAsGood(other, possibility))) return false;
    this.#best.set(key, [...alike.filter((other) => !isAsGood(possibility, other)), possibility]);
    return true;
  }

  all(): Possibility[] {
    return [...this.#best.values()].flat();
  }
}

function isAsGood(one: Possibility, other: Possibility): boolean {
  return one.puts <= other.puts && one.dels <= other.dels;
}

/**
 * Begins and ends in the order of time. Where they coincide the begins come first: the two then
 * overlap.
 */
function moments(steps: readonly Step[]): { readonly step: Step; readonly ends: boolean }[] {
  const begins = steps.map((step) => ({ step, ends: false, at: step.began }));
  const ends = steps.map((step) => ({ step, ends: true, at: step.ended }));
  return [...begins, ...ends].sort((a, b) => a.at - b.at || Number(a.ends) - Number(b.ends));
}

function begun(times: readonly number[], now: number): number {
  let count = 0;
  for (const time of times) if (time <= now) count++;
  return count;
}

function insert(numbers: readonly number[], number: number): number[] {
  return [...numbers, number].sort((a, b) => a - b);
}
