import { target } from '../targets.js';
import { figure } from './figures.js';
import type { GrowthResult } from './growth-subject.js';
import { StallMeter } from './stall-meter.js';
import type { WorkloadPlan } from './workload-plan.js';

const LONGEST = { relation: '<', value: 20, unit: 'ms' } as const;
/** The full rate is measured for so many rounds. */
const FULL_ROUNDS = 3;

export const NO_PAUSE: WorkloadPlan = {
  title: 'pauses of a store that grows at half load',
  sizes: 'largest',
  subjects: ['growth'],
  measure: async ({ stage, keys, roundMs }) => {
    // This process has nothing to do meanwhile: what it misses, the machine did.
    const idle = new StallMeter();
    idle.start();
    const asked = stage.ask<GrowthResult>('growth', 'grow', FULL_ROUNDS * roundMs);
    const { fullRate, grown, stalls, longestAtKeys } = await asked;
    const machine = idle.stop();
    const of = (subject: string) => ({ workload: 'no-pause', keys, subject });
    const figures = [
      figure(of('puts, as many reads beside: full rate'), 'ops/s', [fullRate]),
      figure(of('the same while it was watched'), 'ops/s', [
        (grown.keys / grown.elapsedMs) * 1_000,
      ]),
      figure(of('longest stall of the event loop'), 'ms', [stalls.longestMs]),
      figure(of('99.9 % of its delays are below'), 'ms', [stalls.p999Ms]),
      figure(of('longest slice of the driver itself'), 'ms', [grown.longestSliceMs]),
      figure(of('longest delay of a process that was idle meanwhile'), 'ms', [machine.longestMs]),
      figure(of('keys when it stalled longest'), 'keys', [longestAtKeys]),
    ];
    const targets = [target('longest stall while it grows', keys, LONGEST, stalls.longestMs)];
    return { figures, targets };
  },
};
