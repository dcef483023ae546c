import { type Random, randomBelow, SeededRandom } from '@dle/common';

/** Chance, in the forms in which a run asks for it. */
export class Dice {
  readonly random: Random;

  /** Each `stream` of one seed is a sequence of its own: nobody's throws change those of others. */
  constructor(seed: number, stream: number) {
    this.random = new SeededRandom(seed + stream * 0x1_0000_0000);
  }

  /** True `percent` times of a hundred. */
  chance(percent: number): boolean {
    return randomBelow(this.random, 100) < percent;
  }

  /** A whole number, 0 <= n < `bound`. */
  below(bound: number): number {
    return randomBelow(this.random, bound);
  }

  /** A whole number, `low` <= n <= `high`. */
  between(low: number, high: number): number {
    return low + randomBelow(this.random, high - low + 1);
  }

  /** A whole number, 1 <= n <= `high`: every order of magnitude is as likely as the others. */
  magnitude(high: number): number {
    return Math.floor((high + 1) ** (this.random.nextUint32() / 0x1_0000_0000));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[randomBelow(this.random, choices.length)]!;
  }

  /** One of `choices`, each as likely as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = randomBelow(
      this.random,
      choices.reduce((sum, [weight]) => sum + weight, 0),
    );
    return choices.find(([weight]) => {
      left -= weight;
      return left < 0;
    })![1];
  }
}
