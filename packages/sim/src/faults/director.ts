import type { SimCluster } from '../cluster/sim-cluster.js';
import type { Dice } from '../dice.js';
import type { Strike } from './strike.js';

/** What a plot waits for, and how long: then it is given up. */
export interface Cue {
  readonly isThere: () => boolean;
  readonly forMs: number;
  /** Whether it goes on, and is not given up, when that time is over. */
  readonly goesOn: boolean;
}

/**
 * A course of faults, each of which comes when the one before has had its effect: what needs
 * several of them in the right order, each within a moment, hardly ever comes by chance. Whatever
 * it leaves cut it mends itself, in the end.
 */
export type Plot = (strike: Strike) => Course;

/** Returns whether all that was to happen has happened. */
export type Course = Generator<Cue, boolean, void>;

/** `isThere` has to come true within so many milliseconds. */
export function until(isThere: () => boolean, forMs: number): Cue {
  return { isThere, forMs, goesOn: false };
}

export function pauseOf(ms: number): Cue {
  return { isThere: () => false, forMs: ms, goesOn: true };
}

/** Has one plot at a time carried out, and looks for its cues after each event of a node. */
export class Director {
  readonly #cluster: SimCluster;
  #plot: Course | undefined;
  #cue: Cue | undefined;
  #ended: () => void = () => {};

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    cluster.watch(() => this.#look());
  }

  get isBusy(): boolean {
    return this.#plot !== undefined;
  }

  /** `ended` is called if all that was to happen has happened. */
  begin(plot: Course, ended: () => void): void {
    this.#plot = plot;
    this.#ended = ended;
    this.#goOn();
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#plot?.return(false);
    this.#plot = undefined;
    this.#cue = undefined;
  }

  #look(): void {
    const cue = this.#cue;
    if (cue?.isThere() !== true) return;
    this.#cue = undefined;
    // Not in the midst of what has led to it.
    this.#cluster.schedule(0, () => this.#goOn());
  }

  #goOn(): void {
    const next = this.#plot?.next();
    if (next === undefined) return;
    if (next.done) {
      this.stop();
      if (next.value) this.#ended();
      return;
    }
    const cue = next.value;
    this.#cue = cue;
    this.#cluster.schedule(cue.forMs, () => {
      if (this.#cue !== cue) return;
      this.#cue = undefined;
      if (cue.goesOn) this.#goOn();
      else this.stop();
    });
    this.#look();
  }
}

/** Most that something takes that needs an election, after a connection was cut. */
export function electionMs(cluster: SimCluster): number {
  return cluster.timeouts(8) + 2_000;
}

/** Between nothing and `timeouts` election timeouts; as often much less as not. */
export function shortWhile(cluster: SimCluster, dice: Dice, timeouts: number): number {
  return dice.within(0, cluster.timeouts(timeouts) / dice.magnitude(64));
}
