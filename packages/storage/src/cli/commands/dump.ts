import { jsonl } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import type { CommonArguments, Context } from '../context.js';
import { printPairs } from '../pairs.js';

export function dumpCommand(context: Context): CommandModule<CommonArguments, CommonArguments> {
  const { signal } = context;
  return {
    command: 'dump',
    describe: 'Print all keys and values, as they are at one moment, as lines of JSON',
    async handler() {
      await context.reading((store) =>
        printPairs(store, { signal }, (key, value) => jsonl.formatLine({ key, value })),
      );
    },
  };
}
