import { EXIT_FAILED, jsonl } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import { type ClusterArguments, withClient } from '../cluster-options.js';
import { openOutput } from '../output.js';
import { type ReadLevelArguments, readLevelOf, withReadLevel } from '../read-level.js';

interface GetArguments extends ClusterArguments, ReadLevelArguments {
  readonly key: string;
  readonly out: string | undefined;
  readonly json: boolean;
}

export const getCommand: CommandModule<ClusterArguments, GetArguments> = {
  command: 'get <key>',
  describe: 'Print the value of a key, byte for byte',
  builder: (yargs) =>
    withReadLevel(
      yargs.positional('key', {
        describe: 'Text, taken as UTF-8',
        type: 'string',
        demandOption: true,
      }),
    )
      .option('out', {
        describe: 'Write the value to this file',
        type: 'string',
        requiresArg: true,
      })
      .option('json', {
        describe: 'Print key and value as a line of "dle dump --format jsonl"',
        type: 'boolean',
        default: false,
      })
      .example([
        ['$0 get greeting', ''],
        ['$0 get logo --out logo.png', ''],
        ['$0 get greeting --level lease', ''],
        ['$0 get greeting --level follower --endpoints 127.0.0.1:9002', ''],
      ]),
  async handler(options) {
    const { key, out, json } = options;
    const level = readLevelOf(options);
    const value = await withClient(options, (client) => client.get(key, { level }));
    if (value === undefined) {
      process.stderr.write('dle: not found\n');
      process.exitCode = EXIT_FAILED;
      return;
    }
    const output = await openOutput(out);
    await output.write(json ? jsonl.formatLine({ key: Buffer.from(key), value }) : value);
    // For the eye only: a pipe or a file gets exactly the value.
    if (out === undefined && !json && process.stdout.isTTY) await output.write(Buffer.from('\n'));
    await output.finish();
  },
};
