import type { CommandModule } from 'yargs';
import { parseBytes } from '../bytes-text.js';
import type { CommonArguments, Context } from '../context.js';
import { report } from '../output.js';
import { KEY } from './key.js';

interface DelArguments extends CommonArguments {
  readonly key: string;
}

export function delCommand(context: Context): CommandModule<CommonArguments, DelArguments> {
  return {
    command: 'del <key>',
    describe: 'Delete a key',
    builder: (yargs) => yargs.positional('key', KEY),
    async handler(args) {
      const key = parseBytes(args.key, args.encoding);
      await context.writing(async (store) => {
        const existed = store.has(key);
        if (existed) await store.del(key);
        await report(args, { existed }, existed ? 'deleted' : 'there was no such key');
      });
    },
  };
}
