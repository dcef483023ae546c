import { readFileSync } from 'node:fs';
import { DleError } from '@dle/common';
import yargs from 'yargs';
import { ENCODINGS, type Encoding } from './bytes-text.js';
import * as commands from './commands.js';
import { describeFailure, exitCodeOf, UsageError } from './failure.js';

const WIDTH = 100;

/** Runs the command that `words` spell; returns the exit code. */
export async function run(words: readonly string[]): Promise<number> {
  const interruption = new AbortController();
  const stop = (): void => interruption.abort(new DleError('DLE_ABORTED', 'interrupted'));
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  let code = 0;
  try {
    // The directory comes first: what is left is a command line as yargs knows them.
    const [directory, ...rest] = words;
    const isThere = directory !== undefined && !directory.startsWith('-');
    await commandLine(sheltered(isThere ? rest : words), isThere ? directory : undefined, {
      signal: interruption.signal,
      done: (result) => {
        code = result;
      },
    }).parseAsync();
    return code;
  } catch (error) {
    process.stderr.write(`dle-store: ${describeFailure(error)}\n`);
    return exitCodeOf(error);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** No word of a command line can hold it. */
const SHELTER = '\0';

/** yargs makes an empty string of `-`, and hands what stands behind `--` to no command. */
function sheltered(words: readonly string[]): string[] {
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  const behind = words.slice(end + 1).map((word) => SHELTER + word);
  return [...words.slice(0, end).map((word) => (word === '-' ? SHELTER + word : word)), ...behind];
}

/** Takes the marks off every argument, in place. */
function unshelter(parsed: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value === 'string') parsed[name] = value.replaceAll(SHELTER, '');
  }
}

interface Run {
  readonly signal: AbortSignal;
  readonly done: (code: number) => void;
}

interface Common {
  readonly json: boolean;
  readonly encoding: Encoding;
}

function commandLine(words: readonly string[], directory: string | undefined, run: Run) {
  const context = ({ json, encoding }: Common): commands.CommandContext => {
    if (directory === undefined) throw new UsageError('the directory of the store comes first');
    return { directory, json, encoding, signal: run.signal };
  };
  const text = { type: 'string', requiresArg: true } as const;
  const key = { describe: 'The key', type: 'string', demandOption: true } as const;
  return yargs([...words])
    .scriptName('dle-store')
    .usage('$0 DIR <command>\n\nReads, writes and cares for the store in the directory DIR.')
    .parserConfiguration({
      // Keys and values are text as it stands: never numbers, never taken apart at a dot.
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'boolean-negation': false,
    })
    .option('json', { describe: 'Print JSON', type: 'boolean', default: false })
    .option('encoding', {
      describe: 'Of keys and values, as they are given and printed',
      choices: ENCODINGS,
      default: 'text' as Encoding,
    })
    .command(
      'get <key>',
      'Print the value of a key, byte for byte',
      (args) => args.positional('key', key),
      async (args) => run.done(await commands.get(context(args), args.key)),
    )
    .command(
      'put <key> [value]',
      'Store a value under a key; - reads it from standard input',
      (args) =>
        args
          .positional('key', key)
          .positional('value', { describe: 'The value, or -', type: 'string' })
          .option('value-file', { describe: 'Take the bytes of this file', ...text }),
      async (args) => {
        const { value, 'value-file': file } = args;
        run.done(await commands.put(context(args), args.key, { value, file }));
      },
    )
    .command(
      'del <key>',
      'Delete a key',
      (args) => args.positional('key', key),
      async (args) => run.done(await commands.del(context(args), args.key)),
    )
    .command(
      'scan',
      'Print keys and values in the order of the keys',
      (args) =>
        args
          .option('gt', { describe: 'Keys above this one', ...text })
          .option('gte', { describe: 'This one and those above', ...text })
          .option('lt', { describe: 'Keys below this one', ...text })
          .option('lte', { describe: 'This one and those below', ...text })
          .option('reverse', { describe: 'From the end', type: 'boolean', default: false })
          .option('limit', { describe: 'At most so many', ...text, coerce: parseLimit })
          .option('show', {
            describe: 'What is printed',
            choices: ['pairs', 'keys', 'values', 'count'] as const,
            default: 'pairs' as const,
          }),
      async (args) => run.done(await commands.scan(context(args), args)),
    )
    .command(
      'stats',
      'Print what there is',
      (args) => args,
      async (args) => run.done(await commands.stats(context(args))),
    )
    .command(
      'verify',
      'Read every byte, and say what is damaged',
      (args) => args,
      async (args) => run.done(await commands.verify(context(args))),
    )
    .command(
      'compact',
      'Rewrite everything, so that little but what counts is left',
      (args) => args,
      async (args) => run.done(await commands.compact(context(args))),
    )
    .command(
      'backup <target>',
      'Make a backup in another directory, or bring it up to date',
      (args) =>
        args.positional('target', { describe: 'Directory', type: 'string', demandOption: true }),
      async (args) => run.done(await commands.backup(context(args), args.target)),
    )
    .command(
      'restore <backup>',
      'Make a store in DIR of a backup',
      (args) =>
        args.positional('backup', { describe: 'Directory', type: 'string', demandOption: true }),
      async (args) => run.done(await commands.restore(context(args), args.backup)),
    )
    .command(
      'repair',
      'Save what is whole of a damaged store, and say what is lost',
      (args) => args,
      async (args) => run.done(await commands.repair(context(args))),
    )
    .command(
      'dump',
      'Print all keys and values as lines of JSON',
      (args) => args,
      async (args) => run.done(await commands.dump(context(args))),
    )
    .command(
      'load <file>',
      'Store what dump has printed; - reads it from standard input',
      (args) =>
        args.positional('file', { describe: 'File, or -', type: 'string', demandOption: true }),
      async (args) => run.done(await commands.load(context(args), args.file)),
    )
    .epilogue('Exit codes: 0, 1 (not found, damage found, or failed), 2 (usage).')
    .demandCommand(1, 1, 'a command is needed', 'one command at a time')
    .middleware(unshelter)
    .strict()
    .locale('en')
    .version(packageVersion())
    .wrap(WIDTH)
    .exitProcess(false)
    .fail((message, error) => {
      // Its own error is how yargs wraps whatever it finds wrong with the command line.
      throw error === undefined || error.name === 'YError'
        ? new UsageError(message.replaceAll(SHELTER, ''))
        : error;
    });
}

function parseLimit(word: string): number {
  const limit = Number(word);
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new UsageError(`--limit takes a whole number, not ${word}`);
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
