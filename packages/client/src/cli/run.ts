import { readFileSync } from 'node:fs';
import {
  EXIT_FAILED,
  EXIT_USAGE,
  shelterOperands,
  UsageError,
  unshelterArguments,
  WORDS_AS_THEY_STAND,
  withoutShelter,
} from '@dle/common/internal';
import yargs from 'yargs';
import { withClusterOptions } from './cluster-options.js';
import { delCommand } from './commands/del.js';
import { dumpCommand } from './commands/dump.js';
import { getCommand } from './commands/get.js';
import { loadCommand } from './commands/load.js';
import { memberCommand } from './commands/member.js';
import { putCommand } from './commands/put.js';
import { statusCommand } from './commands/status.js';
import { transferCommand } from './commands/transfer.js';
import { describeFailure } from './failure.js';

const WIDTH = 100;

/**
 * Runs the command that `words` spell. Returns the exit code: 0, 1 (not found, failed) or 2
 * (usage).
 */
export async function run(words: readonly string[]): Promise<number> {
  let command: string | undefined;
  try {
    const line = commandLine(words).middleware(({ _: [name] }) => {
      command = String(name);
    });
    await line.parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    process.stderr.write(`dle: ${describeFailure(error, command)}\n`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

function commandLine(words: readonly string[]) {
  return withClusterOptions(yargs(shelterOperands(words)))
    .scriptName('dle')
    .usage('$0 <command>\n\nTalks to a dle cluster.')
    .parserConfiguration(WORDS_AS_THEY_STAND)
    .command(putCommand)
    .command(getCommand)
    .command(delCommand)
    .command(loadCommand)
    .command(dumpCommand)
    .command(statusCommand)
    .command(memberCommand)
    .command(transferCommand)
    .example([
      ['$0 put greeting hello', 'store a value'],
      ['$0 get greeting', 'print it'],
      ['$0 put -- -key -value', 'behind -- a key or a value may begin with a dash'],
      ['$0 load cities.tsv', 'store a whole file'],
      ['$0 dump --out backup.jsonl', 'write all keys and values to a file'],
      ['$0 status', 'see the nodes and who leads'],
      ['$0 member --help', 'add, remove and replace nodes'],
    ])
    .epilogue('Exit codes: 0, 1 (not found, or failed), 2 (usage).')
    .demandCommand(1, 1, 'a command is needed', 'one command at a time')
    .middleware(unshelterArguments)
    .strict()
    .locale('en')
    .version(packageVersion())
    .wrap(WIDTH)
    .exitProcess(false)
    .fail((message, error) => {
      // Its own error is how yargs wraps whatever it, or the reading of an option, finds wrong.
      throw error === undefined || error.name === 'YError'
        ? new UsageError(withoutShelter(message))
        : error;
    });
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
