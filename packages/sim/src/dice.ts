import { SeededRandom } from '@dle/common';
import { Dice as PlainDice } from '@dle/raft/testing';

/** Chance, in the forms in which a simulation of times and disks asks for it besides. */
export class Dice extends PlainDice {
  /** Each `stream` of one seed is a sequence of its own: nobody's throws change those of others. */
  constructor(seed: number, stream: number) {
    super(new SeededRandom(seed + stream * 0x1_0000_0000));
  }

  /** Any number, `low` <= n < `high`, in thousandths. */
  within(low: number, high: number): number {
    const share = this.random.nextUint32() / 0x1_0000_0000;
    return low + Math.floor((high - low) * share * 1_000) / 1_000;
  }

  /**
   * A whole number, 1 <= n <= `high`: every power of two is as likely as the others. In whole
   * numbers alone, for powers of others are not the same in every version of Node.
   */
  magnitude(high: number): number {
    const low = 2 ** this.between(0, 31 - Math.clz32(high));
    return this.between(low, Math.min(2 * low - 1, high));
  }
}
