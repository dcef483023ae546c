import type { RecordFormat } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import type { Client } from '../../client.js';
import { type ClusterArguments, withClient } from '../cluster-options.js';
import { chooseFormat, FORMAT_NAMES, type FormatName } from '../formats/choose-format.js';
import { interruptible } from '../interruption.js';
import { type Output, openOutput } from '../output.js';

interface DumpArguments extends ClusterArguments {
  readonly format: FormatName | undefined;
  readonly out: string | undefined;
  readonly stale: boolean;
}

export const dumpCommand: CommandModule<ClusterArguments, DumpArguments> = {
  command: 'dump',
  describe: 'Write all keys and values, as they are at one moment',
  builder: (yargs) =>
    yargs
      .option('format', {
        describe: 'How to write them; else the file is named after it, else tsv',
        choices: FORMAT_NAMES,
        requiresArg: true,
      })
      .option('out', {
        describe: 'Write to this file; it appears when it is whole',
        type: 'string',
        requiresArg: true,
      })
      .option('stale', {
        describe: 'Take what the node that is asked has, whatever the others know',
        type: 'boolean',
        default: false,
      })
      .example([
        ['$0 dump --out backup.jsonl', ''],
        ['$0 dump | sort | head', ''],
        ['$0 dump --stale --endpoints 127.0.0.1:9002', 'what that node holds'],
      ]),
  handler: (options) => interruptible(({ asked }) => dump(options, asked)),
};

async function dump(options: DumpArguments, signal: AbortSignal): Promise<void> {
  const { out } = options;
  const format = chooseFormat(
    options.format,
    options.format === undefined ? out : undefined,
    'tsv',
  );
  const output = await openOutput(out);
  let count: number;
  try {
    count = await withClient(options, (client) => copy(client, options, format, output, signal));
    await output.finish();
  } catch (error) {
    await output.abandon();
    throw error;
  }
  if (out !== undefined) process.stderr.write(`${count} records written to ${out}\n`);
}

async function copy(
  client: Client,
  { stale }: DumpArguments,
  format: RecordFormat,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for await (const pair of client.dump({ level: stale ? 'stale' : 'linearizable', signal })) {
    const full = output.write(format.formatLine(pair));
    if (full !== undefined) await full;
    count++;
  }
  return count;
}
