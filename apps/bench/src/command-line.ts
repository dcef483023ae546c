import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import yargs from 'yargs';
import { fromWhereTyped } from './data-directory.js';

const WIDTH = 100;
const DEFAULT_OPERATIONS = 100_000;
/** With fewer there may be none of some kind. */
const MIN_OPERATIONS = 100;
/** The keys of more would fill the memory. */
const MAX_OPERATIONS = 5_000_000;

/** The command line is not what it must be. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

export interface Command {
  readonly bench: 'founding' | 'cluster';
  readonly operations: number;
  /** Where to write the figures for programs, if anywhere; absolute. */
  readonly jsonFile: string | undefined;
  /** Parent of what the run keeps on disk; a sensible one if absent. */
  readonly dataDirectory: string | undefined;
}

/** What the words ask for; `undefined` where they asked for help, and got it. */
export async function parseCommandLine(words: readonly string[]): Promise<Command | undefined> {
  const flags = await commandLine(words).parseAsync();
  if (flags.help === true) return undefined;
  const [bench = 'founding', ...others] = flags._;
  if (others.length > 0 || (bench !== 'founding' && bench !== 'cluster')) {
    throw new UsageError(`no such benchmark: ${flags._.join(' ')}`);
  }
  return {
    bench,
    operations: flags.ops,
    jsonFile: flags.json,
    dataDirectory: flags['data-dir'],
  };
}

function commandLine(words: readonly string[]) {
  return yargs([...words])
    .scriptName('bench')
    .usage('$0 [cluster] [options]\n\nMeasures dle on this machine.')
    .parserConfiguration({ 'duplicate-arguments-array': false, 'boolean-negation': false })
    .command('$0', 'reads, batched writes and both mixed: one store in this process')
    .command('cluster', 'replicated puts and linearizable gets: three nodes, each a process')
    .options({
      ops: {
        string: true,
        requiresArg: true,
        default: String(DEFAULT_OPERATIONS),
        coerce: parseOperations,
        describe: 'operations a round; in a cluster at most, for a round ends by time as well',
      },
      json: {
        string: true,
        requiresArg: true,
        coerce: parseJsonFile,
        describe: 'write machine and rows to this file as well',
      },
      'data-dir': {
        string: true,
        requiresArg: true,
        describe: 'keep the data in a temporary directory in this one [default: the system’s]',
      },
    })
    .epilogue('Exit codes: 0, 1 (failed), 2 (usage), 130 (interrupted).')
    .strict()
    .locale('en')
    .version(false)
    .wrap(WIDTH)
    .exitProcess(false)
    .fail((message, error) => {
      throw new UsageError(message ?? error.message);
    });
}

function parseOperations(text: string): number {
  const operations = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (operations >= MIN_OPERATIONS && operations <= MAX_OPERATIONS) return operations;
  throw new UsageError(`--ops must be a number from ${MIN_OPERATIONS} to ${MAX_OPERATIONS}`);
}

/** Found out now, not when all has been measured. */
function parseJsonFile(path: string): string {
  const file = fromWhereTyped(path);
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch {
    throw new UsageError(`--json: cannot write into ${dirname(file)}`);
  }
  return file;
}
