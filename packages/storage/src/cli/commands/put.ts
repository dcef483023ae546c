import { readValue, STANDARD_INPUT, UsageError } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import { parseBytes } from '../bytes-text.js';
import type { CommonArguments, Context } from '../context.js';
import { report } from '../output.js';
import { KEY } from './key.js';

interface PutArguments extends CommonArguments {
  readonly key: string;
  readonly value: string | undefined;
  readonly 'value-file': string | undefined;
}

export function putCommand(context: Context): CommandModule<CommonArguments, PutArguments> {
  return {
    command: 'put <key> [value]',
    describe: 'Store a value under a key; - reads it from standard input',
    builder: (yargs) =>
      yargs
        .positional('key', KEY)
        .positional('value', { describe: 'The value, or -', type: 'string' })
        .option('value-file', {
          describe: 'Take the bytes of this file',
          type: 'string',
          requiresArg: true,
        }),
    async handler(args) {
      const key = parseBytes(args.key, args.encoding);
      const value = await givenValue(args, context.signal);
      await context.making(async (store) => {
        await store.put(key, value);
        await report(args, { index: store.appliedIndex }, 'stored');
      });
    },
  };
}

async function givenValue(
  { value, 'value-file': file, encoding }: PutArguments,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if ((value === undefined) === (file === undefined)) {
    throw new UsageError('put takes a key and either a value, or -, or --value-file');
  }
  if (file !== undefined) return readValue(file, signal);
  return value === STANDARD_INPUT ? readValue(value, signal) : parseBytes(value!, encoding);
}
