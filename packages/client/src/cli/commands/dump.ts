import type { RecordFormat } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import type { Client } from '../../client.js';
import type { ReadLevel } from '../../protocol/index.js';
import { type ClusterArguments, withClient } from '../cluster-options.js';
import { chooseFormat, FORMAT_NAMES, type FormatName } from '../formats/choose-format.js';
import { interruptible } from '../interruption.js';
import { type Output, openOutput } from '../output.js';
import { type ReadLevelArguments, readLevelOf, withReadLevel } from '../read-level.js';

interface DumpArguments extends ClusterArguments, ReadLevelArguments {
  readonly format: FormatName | undefined;
  readonly out: string | undefined;
}

export const dumpCommand: CommandModule<ClusterArguments, DumpArguments> = {
  command: 'dump',
  describe: 'Write all keys and values, as they are at one moment',
  builder: (yargs) =>
    withReadLevel(yargs)
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
  const level = readLevelOf(options);
  const output = await openOutput(out);
  let count: number;
  try {
    count = await withClient(options, (client) => copy(client, level, format, output, signal));
    await output.finish();
  } catch (error) {
    await output.abandon();
    throw error;
  }
  if (out !== undefined) process.stderr.write(`${count} records written to ${out}\n`);
}

async function copy(
  client: Client,
  level: ReadLevel,
  format: RecordFormat,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for await (const pair of client.dump({ level, signal })) {
    const full = output.write(format.formatLine(pair));
    if (full !== undefined) await full;
    count++;
  }
  return count;
}
