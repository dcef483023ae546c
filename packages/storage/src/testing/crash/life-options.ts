import type { Durability, LogStoreOptions } from '../../store/types.js';
import type { World } from './world.js';

/** How a store is opened for one life, and what its writes ask for. */
export interface LifeOptions {
  readonly store: LogStoreOptions & {
    readonly segmentSize: number;
    readonly durability: Durability;
    readonly idleFlushMs: number;
  };
  /** Of one write; `undefined`: what the store was opened with. */
  durabilityOfWrite(): Durability | undefined;
}

/** Segments are small, so that there are many, and of no round size. */
export function drawOptions({ dice, workload }: World): LifeOptions {
  const byItself = workload.compacts === 'by itself';
  const segmentSize = dice.chance(50) ? 4_096 : Math.min(65_536, 4_095 + dice.magnitude(61_441));
  const mixture = dice.pick<readonly (Durability | undefined)[]>([
    [undefined],
    [undefined],
    ['flush'],
    ['none'],
    ['none', 'none', 'none', 'none', 'none', 'flush'],
    ['none', 'flush', undefined],
  ]);
  return {
    store: {
      segmentSize,
      durability: dice.pick<Durability>(['flush', 'flush', 'none']),
      idleFlushMs: dice.pick([1, 10, 100]),
      tailCacheBytes: dice.pick([0, 2_000, 1_000_000]),
      // By hand: it waits for an hour, and nothing else should be waited for so long.
      scrub: { automatic: false },
      compaction: {
        automatic: byItself || dice.chance(75),
        bytesPerSecond: byItself ? 0 : dice.pick([0, 0, 0, 20_000, 1_000_000]),
      },
    },
    durabilityOfWrite: () => dice.pick(mixture),
  };
}
