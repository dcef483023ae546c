import { bytesToJson } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import { LogStore } from '../../store/log-store.js';
import type { CommonArguments, Context } from '../context.js';
import { print } from '../output.js';

/** Nothing is lost by it that was not lost before: the damaged files are kept. */
export function repairCommand(context: Context): CommandModule<CommonArguments, CommonArguments> {
  const { signal } = context;
  return {
    command: 'repair',
    describe: 'Save what is whole of a damaged store, and say what is lost',
    async handler(args) {
      context.mustExist();
      const found = await context.showing('repair', args, ({ bytes: onProgress }) =>
        LogStore.repair(context.directory, { signal, onProgress }),
      );
      const shown = (_: string, value: unknown): unknown =>
        value instanceof Uint8Array ? bytesToJson(value) : value;
      await print(`${JSON.stringify(found, shown, args.json ? undefined : 2)}\n`);
    },
  };
}
