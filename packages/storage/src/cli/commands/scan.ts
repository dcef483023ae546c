import { bytesToJson, jsonl, UsageError } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import { formatBytes, parseBytes } from '../bytes-text.js';
import type { CommonArguments, Context } from '../context.js';
import { print } from '../output.js';
import { printPairs } from '../pairs.js';

const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const;
const SHOWN = ['pairs', 'keys', 'values', 'count'] as const;

interface ScanArguments extends CommonArguments {
  readonly gt: string | undefined;
  readonly gte: string | undefined;
  readonly lt: string | undefined;
  readonly lte: string | undefined;
  readonly reverse: boolean;
  readonly limit: number | undefined;
  readonly show: (typeof SHOWN)[number];
}

export function scanCommand(context: Context): CommandModule<CommonArguments, ScanArguments> {
  const text = { type: 'string', requiresArg: true } as const;
  return {
    command: 'scan',
    describe: 'Print keys and values in the order of the keys',
    builder: (yargs) =>
      yargs
        .option('gt', { describe: 'Keys above this one', ...text })
        .option('gte', { describe: 'This one and those above', ...text })
        .option('lt', { describe: 'Keys below this one', ...text })
        .option('lte', { describe: 'This one and those below', ...text })
        .option('reverse', { describe: 'From the end', type: 'boolean', default: false })
        .option('limit', { describe: 'At most so many', ...text, coerce: parseLimit })
        .option('show', { describe: 'What is printed', choices: SHOWN, default: SHOWN[0] }),
    async handler(args) {
      const { json, show, reverse, limit = -1 } = args;
      const range = { ...boundsOf(args), reverse, limit, signal: context.signal };
      const count = await context.reading((store) => printPairs(store, range, formatOf(args)));
      if (show === 'count') await print(json ? `{"count":${count}}\n` : `${count}\n`);
    },
  };
}

function boundsOf(args: ScanArguments): Partial<Record<(typeof BOUNDS)[number], Uint8Array>> {
  const given = BOUNDS.filter((name) => args[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, parseBytes(args[name]!, args.encoding)]));
}

function formatOf({
  json,
  show,
  encoding,
}: ScanArguments): (key: Uint8Array, value: Uint8Array) => string | Uint8Array {
  const shown = (bytes: Uint8Array): string =>
    json ? JSON.stringify(bytesToJson(bytes)) : formatBytes(bytes, encoding);
  if (show === 'count') return () => '';
  if (show === 'keys') return (key) => `${shown(key)}\n`;
  if (show === 'values') return (_, value) => `${shown(value)}\n`;
  if (json) return (key, value) => jsonl.formatLine({ key, value });
  return (key, value) => `${shown(key)}\t${shown(value)}\n`;
}

function parseLimit(word: string): number {
  const limit = Number(word);
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new UsageError(`--limit takes a whole number, not ${word}`);
}
