import type { PlotFault } from '../plan.js';
import type { Plot } from './director.js';
import { crashAfterFlush } from './plots/crash-after-flush.js';
import { depose } from './plots/depose.js';
import { overwrite } from './plots/overwrite.js';
import { relapse } from './plots/relapse.js';
import { starveSnapshot } from './plots/starve-snapshot.js';

/** Those in whose way other faults would be. */
export const UNDISTURBED: ReadonlySet<PlotFault> = new Set(['overwrite', 'depose']);

/** Faults that take several steps. */
export const PLOTS: Readonly<Record<PlotFault, Plot>> = {
  overwrite,
  depose,
  relapse,
  crashAfterFlush,
  starveSnapshot,
};
