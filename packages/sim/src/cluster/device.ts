import type { Clock } from '@dle/common';
import type { Dice } from '../dice.js';
import type { Life } from '../time/life.js';
import type { VirtualTime } from '../time/virtual-time.js';

/** Longest that an operation takes once the faults are over, in milliseconds. */
const CALM_MS = 1;

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
  isCalm = false;
  readonly #dice: Dice;
  readonly #plan: DevicePlan;

  constructor(
    components: { readonly time: VirtualTime; readonly dice: Dice; readonly life: () => Life },
    plan: DevicePlan,
  ) {
    const { time, dice, life } = components;
    this.#dice = dice;
    this.#plan = plan;
    this.clock = {
      now: () => time.now,
      setTimer: (callback, delayMs) => time.schedule(delayMs, life(), callback),
      defer: (callback) => void time.schedule(this.#takes(), life(), callback),
    };
  }

  #takes(): number {
    const { maxMs, hangs, maxHangMs } = this.#plan;
    if (this.isCalm) return this.#dice.within(0, Math.min(maxMs, CALM_MS));
    return this.#dice.within(0, this.#dice.chance(hangs) ? maxHangMs : maxMs);
  }
}
