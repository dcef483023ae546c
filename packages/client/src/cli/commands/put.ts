import { readValue, STANDARD_INPUT, UsageError } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import { type ClusterArguments, withClient } from '../cluster-options.js';

interface PutArguments extends ClusterArguments {
  readonly key: string;
  readonly value: string | undefined;
  readonly 'value-file': string | undefined;
  readonly json: boolean;
}

export const putCommand: CommandModule<ClusterArguments, PutArguments> = {
  command: 'put <key> [value]',
  describe: 'Store a value under a key',
  builder: (yargs) =>
    yargs
      .positional('key', { describe: 'Text, taken as UTF-8', type: 'string', demandOption: true })
      .positional('value', {
        describe: 'Text; - reads any bytes from standard input',
        type: 'string',
      })
      .option('value-file', {
        describe: 'Take the bytes of this file as the value',
        type: 'string',
        requiresArg: true,
      })
      .option('json', { describe: 'Print {"index":…}', type: 'boolean', default: false })
      .example([
        ['$0 put greeting hello', ''],
        ['$0 put logo --value-file logo.png', ''],
        ['date | $0 put now -', ''],
      ]),
  async handler(options) {
    const { key, value, json, 'value-file': valueFile } = options;
    if ((value === undefined) === (valueFile === undefined)) {
      throw new UsageError('put takes a key and either a value, or -, or --value-file');
    }
    const file = value === STANDARD_INPUT ? STANDARD_INPUT : valueFile;
    const bytes = file === undefined ? (value ?? '') : await readValue(file);
    const { index } = await withClient(options, (client) => client.put(key, bytes));
    process.stdout.write(json ? `${JSON.stringify({ index })}\n` : `stored at index ${index}\n`);
  },
};
