import type { Clock } from '@dle/common';
import type { Dice } from '../dice.js';
import type { Life } from '../time/life.js';
import type { VirtualTime } from '../time/virtual-time.js';

/** Longest that an operation takes once the faults are over, in milliseconds. */
const CALM_MS = 1;

/** What hangs finds out within that time that it need not hang any more. */
const LOOK_AGAIN_MS = 100;

export interface DevicePlan {
  /** Longest that an operation takes that does not hang, in milliseconds. */
  readonly maxMs: number;
  /** Of operations that hang. */
  readonly hangs: number;
  readonly maxHangMs: number;
}

/**
 * Time as a disk has it, for a `MemVfs`: whatever is asked of it takes a while, and what is under
 * way at once is done in any order. It belongs to the life that asked.
 */
export class Device {
  readonly clock: Clock;
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #plan: DevicePlan;
  #isCalm = false;
  #slow = { times: 1, until: 0 };
  #hangsUntil = 0;

  constructor(
    components: { readonly time: VirtualTime; readonly dice: Dice; readonly life: () => Life },
    plan: DevicePlan,
  ) {
    const { time, dice, life } = components;
    this.#time = time;
    this.#dice = dice;
    this.#plan = plan;
    this.clock = {
      now: () => time.now,
      setTimer: (callback, delayMs) => time.schedule(delayMs, life(), callback),
      defer: (callback) => this.#complete(this.#takes(), life(), callback),
    };
  }

  /** It is quick from now on. */
  calmDown(): void {
    this.#isCalm = true;
    this.#hangsUntil = 0;
  }

  /** Whatever it is asked takes `times` as long, for a while. */
  slowDown(times: number, forMs: number): void {
    this.#slow = { times, until: this.#time.now + forMs };
  }

  /** Nothing that it is asked, or has been, is done before that. */
  hang(forMs: number): void {
    this.#hangsUntil = this.#time.now + forMs;
  }

  #complete(afterMs: number, life: Life, callback: () => void): void {
    this.#time.schedule(afterMs, life, () => {
      const leftMs = this.#hangsUntil - this.#time.now;
      if (leftMs <= 0) callback();
      else this.#complete(Math.min(leftMs, LOOK_AGAIN_MS), life, callback);
    });
  }

  #takes(): number {
    const { maxMs, hangs, maxHangMs } = this.#plan;
    if (this.#isCalm) return this.#dice.within(0, Math.min(maxMs, CALM_MS));
    if (this.#dice.chance(hangs)) return this.#dice.within(0, maxHangMs);
    const times = this.#time.now < this.#slow.until ? this.#slow.times : 1;
    return times * this.#dice.within(0, maxMs);
  }
}
