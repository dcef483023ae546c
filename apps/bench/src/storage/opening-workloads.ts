import { setTimeout } from 'node:timers/promises';
import { type Target, target } from '../targets.js';
import type { OpenedStore } from './dle-subject.js';
import { type Figure, figure } from './figures.js';
import type { Measured, WorkloadContext, WorkloadPlan } from './workload-plan.js';

/** What the targets of memory and of opening are about. */
const MANY_KEYS = 10_000_000;
/** The time of opening must be linear in the keys, and that within this factor. */
const LINEAR = 1.3;
const INDEX = { relation: '≤', value: 18, unit: 'bytes a key' } as const;
const CLEAN = { relation: '≤', value: 3, unit: 's' } as const;
const KILLED = { relation: '≤', value: 5, unit: 's' } as const;
const CLEAN_TITLE = 'dle open, closed before';

export const MEMORY: WorkloadPlan = {
  title: 'memory of the index',
  sizes: 'each',
  subjects: ['dle'],
  measure: async ({ stage, keys }) => {
    const grown = await stage.ask<Pick<OpenedStore, 'indexBytes'>>('dle', 'index');
    await stage.close('dle');
    stage.start('dle');
    const opened = await stage.ask<OpenedStore>('dle', 'open-timed');
    const of = (subject: string, bytes: number | undefined): Figure =>
      figure(
        { workload: 'memory', keys, subject },
        'bytes a key',
        bytes === undefined ? [] : [bytes / keys],
      );
    const figures = [
      of('dle index, as it has grown', grown.indexBytes),
      of('dle index, as it was opened', opened.indexBytes),
      of('dle process, anonymous memory since before it was opened', opened.anonymousBytes),
    ];
    const [asGrown, asOpened] = [figures[0]!.value, figures[1]!.value];
    const larger = asGrown && asOpened ? Math.max(asGrown, asOpened) : undefined;
    const targets = keys < MANY_KEYS ? [] : [target('index', keys, INDEX, larger)];
    return { figures, targets };
  },
};

export const OPEN: WorkloadPlan = {
  title: 'opening',
  sizes: 'each',
  subjects: ['dle'],
  measure: async (context) => {
    const { stage, keys, rounds } = context;
    // So that there is something to open.
    await stage.ask('dle', 'index');
    const clean: number[] = [];
    const killed: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await stage.close('dle');
      clean.push(await openSeconds(context));
      await stage.ask('dle', 'write-on');
      await setTimeout(context.roundMs, undefined, { signal: context.signal });
      await stage.kill('dle');
      killed.push(await openSeconds(context));
    }
    const figures = [
      figure({ workload: 'open', keys, subject: CLEAN_TITLE }, 's', clean),
      figure({ workload: 'open', keys, subject: 'dle open, killed while writing' }, 's', killed),
    ];
    if (keys < MANY_KEYS) return { figures, targets: [] };
    const targets = [
      target('opening when closed before', keys, CLEAN, figures[0]!.value),
      target('opening after SIGKILL', keys, KILLED, figures[1]!.value),
    ];
    return { figures, targets };
  },
};

async function openSeconds({ stage }: WorkloadContext): Promise<number> {
  stage.start('dle');
  const { openMs } = await stage.ask<OpenedStore>('dle', 'open-timed');
  return openMs / 1_000;
}

/** Whether the time of opening grows with the keys and no faster. */
export function linearity({ figures }: Pick<Measured, 'figures'>): Target[] {
  const clean = figures.filter(({ subject }) => subject === CLEAN_TITLE);
  const [few, many] = [clean[0], clean.at(-1)];
  if (few === undefined || many === undefined || few.keys === many.keys) return [];
  const bound = { relation: '≤', value: (LINEAR * many.keys) / few.keys, unit: '×' } as const;
  const ratio = many.value! / few.value!;
  const what = `opening beside that with ${few.keys.toLocaleString('en-US')} keys`;
  return [target(what, many.keys, bound, ratio)];
}
