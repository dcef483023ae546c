import { type Random, randomBelow } from '@dle/common';

/** Chance, in the forms that a simulation asks for it. */
export class Dice {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** True `probability` of the time. */
  chance(probability: number): boolean {
    return this.random.nextUint32() < probability * 0x1_0000_0000;
  }

  /** A whole number, `low` <= n <= `high`. */
  between(low: number, high: number): number {
    return low + randomBelow(this.random, high - low + 1);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[randomBelow(this.random, choices.length)]!;
  }
}
