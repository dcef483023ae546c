import type { Dice } from '../dice.js';

/** How good the network is. Each seed draws its own. */
export interface NetworkPlan {
  /** Longest way of a packet, in milliseconds. */
  readonly maxLatencyMs: number;
  /** Of packets that get lost, and are sent again. */
  readonly lost: number;
  /** Of messages between nodes that arrive twice. */
  readonly doubled: number;
  /** Of messages between nodes that arrive behind the next one. */
  readonly overtaken: number;
  /** Of packets that arrive in several pieces. */
  readonly cut: number;
  /** Bytes that one side sends beyond what the other has read. */
  readonly windowBytes: number;
  /** Until a lost packet is sent again, in milliseconds; then twice as long, and so on. */
  readonly resendMs: number;
  /** How long a packet is sent again without an answer, until the connection breaks. */
  readonly giveUpMs: number;
}

export function drawNetworkPlan(dice: Dice): NetworkPlan {
  // Whole frames pass then, or nothing of them: most runs see them cut off in the middle.
  const isShuffled = dice.chance(0.25);
  return {
    maxLatencyMs: dice.pick([0.2, 1, 5, 20]),
    lost: dice.pick([0, 0, 0.005, 0.03]),
    doubled: isShuffled ? dice.pick([0, 0.02, 0.2]) : 0,
    overtaken: isShuffled ? dice.pick([0, 0.02, 0.2]) : 0,
    cut: dice.pick([0, 0.05, 0.3]),
    windowBytes: dice.pick([3_000, 65_536, 1_000_000]),
    resendMs: dice.pick([20, 200]),
    giveUpMs: dice.pick([1_000, 5_000, 15_000]),
  };
}
