import type { CommandModule } from 'yargs';
import type { CommonArguments, Context } from '../context.js';
import { report } from '../output.js';

export function compactCommand(context: Context): CommandModule<CommonArguments, CommonArguments> {
  const { signal } = context;
  return {
    command: 'compact',
    describe: 'Rewrite everything, so that little but what counts is left',
    handler: (args) =>
      context.writing(async (store) => {
        const before = store.stats().bytes;
        await context.showing('compact', args, ({ bytes: onProgress }) =>
          store.compact({ signal, onProgress }),
        );
        const after = store.stats().bytes;
        await report(args, { before, after }, `${before} bytes before, ${after} after`);
      }),
  };
}
