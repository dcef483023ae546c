import { readFileSync } from 'node:fs';
import { DleError } from '@dle/common';
import {
  EXIT_FAILED,
  EXIT_USAGE,
  failureLine,
  failureOf,
  shelterOperands,
  UsageError,
  unshelterArguments,
  WORDS_AS_THEY_STAND,
  withoutShelter,
} from '@dle/common/internal';
import yargs, { type Argv } from 'yargs';
import { ENCODINGS, type Encoding } from './bytes-text.js';
import { backupCommand, restoreCommand } from './commands/backup.js';
import { compactCommand } from './commands/compact.js';
import { delCommand } from './commands/del.js';
import { dumpCommand } from './commands/dump.js';
import { getCommand } from './commands/get.js';
import { loadCommand } from './commands/load.js';
import { putCommand } from './commands/put.js';
import { repairCommand } from './commands/repair.js';
import { scanCommand } from './commands/scan.js';
import { statsCommand } from './commands/stats.js';
import { verifyCommand } from './commands/verify.js';
import { type CommonArguments, Context, PROGRAM } from './context.js';

const WIDTH = 100;
/** As shells have it of a program that Ctrl-C has ended. */
const EXIT_INTERRUPTED = 130;

/** Runs the command that `words` spell; returns the exit code. */
export async function run(words: readonly string[]): Promise<number> {
  const interruption = new AbortController();
  const stop = (): void => interruption.abort(new DleError('DLE_ABORTED', 'interrupted'));
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // The directory comes first: what is left is a command line as yargs knows them.
  const [directory, ...rest] = words;
  const isThere = directory !== undefined && !directory.startsWith('-');
  const context = new Context(isThere ? directory : undefined, interruption.signal);
  try {
    await commandLine(isThere ? rest : words, context).parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    process.stderr.write(`${PROGRAM}: ${failureLine(PROGRAM, error)}\n`);
    if (error instanceof UsageError) return EXIT_USAGE;
    return failureOf(error).code === 'DLE_ABORTED' ? EXIT_INTERRUPTED : EXIT_FAILED;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function commandLine(words: readonly string[], context: Context) {
  return withCommonOptions(yargs(shelterOperands(words)))
    .scriptName(PROGRAM)
    .usage('$0 DIR <command>\n\nReads, writes and cares for the store in the directory DIR.')
    .parserConfiguration(WORDS_AS_THEY_STAND)
    .command(getCommand(context))
    .command(putCommand(context))
    .command(delCommand(context))
    .command(scanCommand(context))
    .command(statsCommand(context))
    .command(verifyCommand(context))
    .command(compactCommand(context))
    .command(backupCommand(context))
    .command(restoreCommand(context))
    .command(repairCommand(context))
    .command(dumpCommand(context))
    .command(loadCommand(context))
    .epilogue('Exit codes: 0, 1 (not found, damage found, or failed), 2 (usage).')
    .demandCommand(1, 1, 'a command is needed', 'one command at a time')
    .middleware(unshelterArguments)
    .strict()
    .locale('en')
    .version(packageVersion())
    .wrap(WIDTH)
    .exitProcess(false)
    .fail((message, error) => {
      // Its own error is how yargs wraps whatever it finds wrong with the command line.
      throw error === undefined || error.name === 'YError'
        ? new UsageError(withoutShelter(message))
        : error;
    });
}

function withCommonOptions(yargs: Argv): Argv<CommonArguments> {
  return yargs
    .option('json', { describe: 'Print JSON', type: 'boolean', default: false })
    .option('encoding', {
      describe: 'Of keys and values, as they are given and printed',
      choices: ENCODINGS,
      default: 'text' as Encoding,
    });
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
