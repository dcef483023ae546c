import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import yargs from 'yargs';
import { fromWhereTyped } from './data-directory.js';
import { WORKLOAD_NAMES, type WorkloadName } from './storage/workloads.js';

const WIDTH = 100;
const DEFAULT_OPERATIONS = 100_000;
/** With fewer there may be none of some kind. */
const MIN_OPERATIONS = 100;
/** The keys of more would fill the memory. */
const MAX_OPERATIONS = 5_000_000;

const DEFAULT_SIZES: readonly number[] = [1_000_000, 10_000_000];
/** With fewer a batch would hold most of them. */
const MIN_KEYS = 2_000;
/** A `Map` takes no more. */
const MAX_KEYS = 16_000_000;
const DEFAULT_ROUNDS = 5;
const MAX_ROUNDS = 100;

/** The command line is not what it must be. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

interface Outputs {
  /** Where to write the figures for programs, if anywhere; absolute. */
  readonly jsonFile: string | undefined;
  /** Parent of what the run keeps on disk; a sensible one if absent. */
  readonly dataDirectory: string | undefined;
}

export type Command = Outputs &
  (
    | { readonly bench: 'founding' | 'cluster'; readonly operations: number }
    | {
        readonly bench: 'storage';
        /** Numbers of keys, from the smallest to the largest. */
        readonly sizes: readonly number[];
        readonly rounds: number;
        readonly workloads: readonly WorkloadName[];
      }
  );

/** What the words ask for; `undefined` where they asked for help, and got it. */
export async function parseCommandLine(words: readonly string[]): Promise<Command | undefined> {
  const flags = await commandLine(words).parseAsync();
  if (flags.help === true) return undefined;
  const [bench = 'founding', ...others] = flags._;
  const outputs = { jsonFile: flags.json, dataDirectory: flags['data-dir'] };
  const { ops, keys, rounds, only } = flags;
  if (others.length === 0 && bench === 'storage') {
    refuse({ ops }, 'storage');
    return {
      bench,
      sizes: keys ?? DEFAULT_SIZES,
      rounds: rounds ?? DEFAULT_ROUNDS,
      workloads: only ?? WORKLOAD_NAMES,
      ...outputs,
    };
  }
  if (others.length === 0 && (bench === 'founding' || bench === 'cluster')) {
    refuse({ keys, rounds, only }, bench);
    return { bench, operations: ops ?? DEFAULT_OPERATIONS, ...outputs };
  }
  throw new UsageError(`no such benchmark: ${flags._.join(' ')}`);
}

function refuse(flags: Readonly<Record<string, unknown>>, bench: string): void {
  for (const [name, value] of Object.entries(flags)) {
    if (value !== undefined) throw new UsageError(`--${name} says nothing to bench ${bench}`);
  }
}

function commandLine(words: readonly string[]) {
  return yargs([...words])
    .scriptName('bench')
    .usage('$0 [cluster | storage] [options]\n\nMeasures dle on this machine.')
    .parserConfiguration({ 'duplicate-arguments-array': false, 'boolean-negation': false })
    .command('$0', 'reads, batched writes and both mixed: one store in this process')
    .command('cluster', 'replicated puts and linearizable gets: three nodes, each a process')
    .command('storage', 'the store beside lmdb, classic-level, a Map and plain files')
    .options({
      ops: {
        string: true,
        requiresArg: true,
        coerce: parseOperations,
        describe:
          'operations a round; in a cluster at most, for a round ends by time as well ' +
          `[default: ${DEFAULT_OPERATIONS}]`,
      },
      keys: {
        string: true,
        requiresArg: true,
        coerce: parseSizes,
        describe: `storage: how many records, with commas between [default: ${DEFAULT_SIZES}]`,
      },
      rounds: {
        string: true,
        requiresArg: true,
        coerce: parseRounds,
        describe: `storage: rounds of each workload [default: ${DEFAULT_ROUNDS}]`,
      },
      only: {
        string: true,
        requiresArg: true,
        coerce: parseWorkloads,
        describe: `storage: these alone, with commas between, of ${WORKLOAD_NAMES.join(', ')}`,
      },
      json: {
        string: true,
        requiresArg: true,
        coerce: parseJsonFile,
        describe: 'write machine and figures to this file as well',
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
  return parseWhole('--ops', text, MIN_OPERATIONS, MAX_OPERATIONS);
}

function parseSizes(text: string): number[] {
  const sizes = text.split(',').map((one) => parseWhole('--keys', one, MIN_KEYS, MAX_KEYS));
  return [...new Set(sizes)].sort((left, right) => left - right);
}

function parseRounds(text: string): number {
  return parseWhole('--rounds', text, 1, MAX_ROUNDS);
}

/** In the order in which they are measured, whatever the order in which they are named. */
function parseWorkloads(text: string): WorkloadName[] {
  const named = text.split(',');
  const unknown = named.find((one) => !(WORKLOAD_NAMES as readonly string[]).includes(one));
  if (unknown !== undefined) throw new UsageError(`--only: there is no workload ${unknown}`);
  return WORKLOAD_NAMES.filter((name) => named.includes(name));
}

function parseWhole(flag: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`${flag} must be a number from ${least} to ${most}`);
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
