import { type Random, randomBelow, SeededRandom } from '@dle/common';

/** Chance, in the forms in which a simulation asks for it. */
export class Dice {
  readonly random: Random;

  /** Each `stream` of one seed is a sequence of its own: nobody's throws change those of others. */
  constructor(seed: number, stream: number) {
    this.random = new SeededRandom(seed + stream * 0x1_0000_0000);
  }

  /** True `probability` of the time. */
  chance(probability: number): boolean {
    return probability > 0 && this.random.nextUint32() < probability * 0x1_0000_0000;
  }

  /** A whole number, `low` <= n <= `high`. */
  between(low: number, high: number): number {
    return low + randomBelow(this.random, high - low + 1);
  }

  /** Any number, `low` <= n < `high`, in thousandths. */
  within(low: number, high: number): number {
    return (
      low + Math.floor((high - low) * (this.random.nextUint32() / 0x1_0000_0000) * 1_000) / 1_000
    );
  }

  /** A whole number, 1 <= n <= `high`: every order of magnitude is as likely as the others. */
  magnitude(high: number): number {
    return Math.floor((high + 1) ** (this.random.nextUint32() / 0x1_0000_0000));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[randomBelow(this.random, choices.length)]!;
  }
}
