import type { Random } from '@dle/common';
import type { Vfs } from '../../vfs/vfs.js';
import type { MemVfs } from '../mem-vfs.js';
import type { Coverage } from './coverage.js';
import type { Dice } from './dice.js';
import type { History } from './history.js';
import type { Model } from './model.js';
import type { VirtualTime } from './virtual-time.js';
import type { Workload } from './workload.js';

export const DIRECTORY = '/store';

/** What a run consists of beside the store: it outlives every process. */
export interface World {
  readonly dice: Dice;
  readonly time: VirtualTime;
  readonly vfs: MemVfs;
  /** Chance as the store gets it. */
  readonly storeRandom: Random;
  /** The disk as the store gets it. */
  readonly disk: Vfs;
  readonly model: Model;
  readonly workload: Workload;
  readonly history: History;
  readonly coverage: Coverage;
  /** What was open in the lives before. */
  readonly remains: unknown[];
}
