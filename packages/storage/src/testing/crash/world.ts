import type { Random } from '@dle/common';
import type { Vfs } from '../../vfs/vfs.js';
import type { MemVfs } from '../mem-vfs.js';
import type { BackupOnDisk } from './backups.js';
import type { Coverage } from './coverage.js';
import type { Dice } from './dice.js';
import type { History } from './history.js';
import type { Model } from './model.js';
import type { Versions } from './versions.js';
import type { VirtualTime } from './virtual-time.js';
import type { Workload } from './workload.js';

export const DIRECTORY = '/store';
/** Where its backups go, and what is made of them. */
export const BACKUP = '/backup';
export const RESTORED = '/restored';

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
  readonly versions: Versions;
  readonly backup: BackupOnDisk;
  /** What may be found in `RESTORED`, if a restore has come to its end there. */
  restored: readonly Model[];
  /** What was open in the lives before. */
  readonly remains: unknown[];
}
