import { EXIT_FAILED } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import { type ClusterArguments, withClient } from '../cluster-options.js';

interface DelArguments extends ClusterArguments {
  readonly key: string;
  readonly json: boolean;
}

export const delCommand: CommandModule<ClusterArguments, DelArguments> = {
  command: 'del <key>',
  describe: 'Delete a key',
  builder: (yargs) =>
    yargs
      .positional('key', { describe: 'Text, taken as UTF-8', type: 'string', demandOption: true })
      .option('json', {
        describe: 'Print {"index":…,"existed":…}',
        type: 'boolean',
        default: false,
      })
      .example('$0 del greeting', ''),
  async handler(options) {
    const { key, json } = options;
    const { index, existed } = await withClient(options, (client) => client.del(key));
    if (json) process.stdout.write(`${JSON.stringify({ index, existed })}\n`);
    else if (existed) process.stdout.write(`deleted at index ${index}\n`);
    else process.stderr.write('dle: not found\n');
    if (!existed) process.exitCode = EXIT_FAILED;
  },
};
