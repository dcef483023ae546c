import { EXIT_FAILED, jsonl } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import { formatBytes, parseBytes } from '../bytes-text.js';
import { type CommonArguments, type Context, PROGRAM } from '../context.js';
import { print } from '../output.js';
import { KEY } from './key.js';

interface GetArguments extends CommonArguments {
  readonly key: string;
}

export function getCommand(context: Context): CommandModule<CommonArguments, GetArguments> {
  return {
    command: 'get <key>',
    describe: 'Print the value of a key, byte for byte',
    builder: (yargs) => yargs.positional('key', KEY),
    async handler({ key: word, encoding, json }) {
      const key = parseBytes(word, encoding);
      const value = await context.reading((store) => store.get(key));
      if (value === undefined) {
        process.stderr.write(`${PROGRAM}: there is no key ${JSON.stringify(word)}\n`);
        process.exitCode = EXIT_FAILED;
      } else if (json) await print(jsonl.formatLine({ key, value }));
      else await print(encoding === 'text' ? value : `${formatBytes(value, encoding)}\n`);
    },
  };
}
