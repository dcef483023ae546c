import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { DleError } from '@dle/common';
import type { KeyRange } from '../ordered/types.js';
import { LogStore } from '../store/log-store.js';
import type { LogStoreOptions } from '../store/types.js';
import { type Encoding, formatBytes, parseBytes, parsePair, toJson } from './bytes-text.js';
import { EXIT_FAILED, UsageError } from './failure.js';
import { Progress } from './progress.js';

const STANDARD_INPUT = '-';
/** Entries read, or put, at a time. */
const PAGE = 1_000;

/** What a command is run with. */
export interface CommandContext {
  readonly directory: string;
  readonly json: boolean;
  readonly encoding: Encoding;
  readonly signal: AbortSignal;
}

export interface ScanOptions {
  readonly gt?: string | undefined;
  readonly gte?: string | undefined;
  readonly lt?: string | undefined;
  readonly lte?: string | undefined;
  readonly reverse: boolean;
  readonly limit?: number | undefined;
  readonly show: 'pairs' | 'keys' | 'values' | 'count';
}

export async function get(context: CommandContext, word: string): Promise<number> {
  const { encoding, json } = context;
  const key = parseBytes(word, encoding);
  const value = await reading(context, (store) => store.get(key));
  if (value === undefined) {
    process.stderr.write(`dle-store: there is no key ${JSON.stringify(word)}\n`);
    return EXIT_FAILED;
  }
  if (json) await print(pairLine(key, value));
  else await print(encoding === 'text' ? value : `${formatBytes(value, encoding)}\n`);
  return 0;
}

export async function put(
  context: CommandContext,
  word: string,
  { value, file }: { readonly value: string | undefined; readonly file: string | undefined },
): Promise<number> {
  if ((value === undefined) === (file === undefined)) {
    throw new UsageError('put takes a key and either a value, or -, or --value-file');
  }
  const key = parseBytes(word, context.encoding);
  const bytes = await givenValue(context, value, file);
  return writing(context, true, async (store) => {
    await store.put(key, bytes);
    await report(context, { index: store.appliedIndex }, 'stored');
  });
}

async function givenValue(
  { encoding }: CommandContext,
  value: string | undefined,
  file: string | undefined,
): Promise<Uint8Array> {
  if (file !== undefined) return readFile(file);
  if (value !== STANDARD_INPUT) return parseBytes(value!, encoding);
  const parts: Uint8Array[] = [];
  for await (const part of process.stdin) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}

export async function del(context: CommandContext, word: string): Promise<number> {
  const key = parseBytes(word, context.encoding);
  return writing(context, false, async (store) => {
    const existed = store.has(key);
    if (existed) await store.del(key);
    await report(context, { existed }, existed ? 'deleted' : 'there was no such key');
  });
}

export async function scan(context: CommandContext, options: ScanOptions): Promise<number> {
  const { encoding, json } = context;
  const range: Record<string, unknown> = { reverse: options.reverse };
  for (const name of ['gt', 'gte', 'lt', 'lte'] as const) {
    const word = options[name];
    if (word !== undefined) range[name] = parseBytes(word, encoding);
  }
  if (options.limit !== undefined) range.limit = options.limit;
  const shownAs = (bytes: Uint8Array): string =>
    json ? JSON.stringify(toJson(bytes)) : formatBytes(bytes, encoding);
  const count = await reading(context, (store) =>
    eachPair(store, range as KeyRange, context.signal, (key, value) => {
      if (options.show === 'count') return undefined;
      if (options.show === 'keys') return `${shownAs(key)}\n`;
      if (options.show === 'values') return `${shownAs(value)}\n`;
      return json ? pairLine(key, value) : `${shownAs(key)}\t${shownAs(value)}\n`;
    }),
  );
  if (options.show === 'count') await print(json ? `{"count":${count}}\n` : `${count}\n`);
  return 0;
}

/** All keys and values as they are at one moment, as lines of JSON: as `dle dump` writes them. */
export async function dump(context: CommandContext): Promise<number> {
  await reading(context, (store) => eachPair(store, {}, context.signal, pairLine));
  return 0;
}

/** What `dump` has written. A line that is none ends it; those before are stored. */
export function load(context: CommandContext, file: string): Promise<number> {
  const progress = new Progress('load', context.json);
  return writing(context, true, async (store) => {
    const isPipe = file === STANDARD_INPUT;
    const input = isPipe ? process.stdin : (await open(file)).createReadStream();
    let batch: { type: 'put'; key: Uint8Array; value: Uint8Array }[] = [];
    let bytes = 0;
    let stored = 0;
    const flush = async (): Promise<void> => {
      context.signal.throwIfAborted();
      await store.batch(batch);
      stored += batch.length;
      progress.show(`${stored} records`);
      batch = [];
      bytes = 0;
    };
    let line = 0;
    try {
      for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        line++;
        if (text === '') continue;
        const pair = parsePair(text);
        batch.push({ type: 'put', ...pair });
        bytes += pair.key.length + pair.value.length;
        if (batch.length >= PAGE || bytes > 4_000_000) await flush();
      }
    } catch (thrown) {
      if (!(thrown instanceof UsageError)) throw thrown;
      await flush();
      const message = `line ${line} of ${file}: ${thrown.message}; the lines before it are stored`;
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    await flush();
    progress.end();
    await report(context, { records: stored }, `${stored} records stored`);
  });
}

export async function stats(context: CommandContext): Promise<number> {
  const found = await reading(context, async (store) => store.stats());
  if (context.json) await print(`${JSON.stringify(found)}\n`);
  else for (const [name, value] of Object.entries(found)) await print(statLine(name, value));
  return 0;
}

function statLine(name: string, value: unknown): string {
  if (typeof value !== 'object' || value === null) return `${name.padEnd(16)} ${String(value)}\n`;
  const parts = Object.entries(value).map(([part, of]) => `${part} ${String(of)}`);
  return `${name.padEnd(16)} ${parts.join(', ')}\n`;
}

export async function verify(context: CommandContext): Promise<number> {
  const found = await reading(context, (store) => store.verify());
  if (context.json) await print(`${JSON.stringify(found)}\n`);
  else {
    for (const { message } of found.damage) await print(`damaged: ${message}\n`);
    for (const { message } of found.harmless) await print(`harmless: ${message}\n`);
    const { files, bytes, records, damage } = found;
    const what = damage.length === 0 ? 'all is well' : `${damage.length} places are damaged`;
    await print(`${what}: ${records} records, ${bytes} bytes in ${files} files\n`);
  }
  return found.damage.length === 0 ? 0 : EXIT_FAILED;
}

export function compact(context: CommandContext): Promise<number> {
  const progress = new Progress('compact', context.json);
  return writing(context, false, async (store) => {
    const before = store.stats().bytes;
    await store.compact({ signal: context.signal, onProgress: progress.bytes });
    progress.end();
    const after = store.stats().bytes;
    await report(context, { before, after }, `${before} bytes before, ${after} after`);
  });
}

export function backup(context: CommandContext, target: string): Promise<number> {
  const progress = new Progress('backup', context.json);
  return writing(context, false, async (store) => {
    const made = await store.backup(target, { signal: context.signal, onProgress: progress.bytes });
    progress.end();
    await report(context, made, `${made.files} files, ${made.bytes} bytes, in ${target}`);
  });
}

/** Makes a store of the backup in `source`. */
export async function restore(context: CommandContext, source: string): Promise<number> {
  const progress = new Progress('restore', context.json);
  const { signal, directory } = context;
  const made = await LogStore.restore(source, directory, { signal, onProgress: progress.bytes });
  progress.end();
  await report(context, made, `${made.files} files, ${made.bytes} bytes, in ${directory}`);
  return 0;
}

/** Nothing is lost that was not lost before: the damaged files are kept. */
export async function repair(context: CommandContext): Promise<number> {
  mustExist(context.directory);
  const progress = new Progress('repair', context.json);
  const { signal, directory } = context;
  const found = await LogStore.repair(directory, { signal, onProgress: progress.bytes });
  progress.end();
  const plain = JSON.stringify(found, (_, value: unknown) =>
    value instanceof Uint8Array ? toJson(value) : value,
  );
  if (context.json) await print(`${plain}\n`);
  else await print(`${JSON.stringify(JSON.parse(plain), undefined, 2)}\n`);
  return 0;
}

async function eachPair(
  store: LogStore,
  range: KeyRange,
  signal: AbortSignal,
  lineOf: (key: Uint8Array, value: Uint8Array) => string | undefined,
): Promise<number> {
  const iterator = store.iterator({ ...range, signal });
  let count = 0;
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE);
      if (page.length === 0) return count;
      count += page.length;
      await print(page.map(([key, value]) => lineOf(key, value) ?? '').join(''));
    }
  } finally {
    await iterator.close();
  }
}

function pairLine(key: Uint8Array, value: Uint8Array): string {
  return `${JSON.stringify({ key: toJson(key), value: toJson(value) })}\n`;
}

/** A store that is there, which is left as it is. */
function reading<T>(
  { directory }: CommandContext,
  work: (store: LogStore) => Promise<T>,
): Promise<T> {
  mustExist(directory);
  return using(directory, { compaction: { automatic: false } }, work);
}

async function writing(
  { directory }: CommandContext,
  mayMake: boolean,
  work: (store: LogStore) => Promise<void>,
): Promise<number> {
  if (!mayMake) mustExist(directory);
  await using(directory, {}, work);
  return 0;
}

async function using<T>(
  directory: string,
  options: LogStoreOptions,
  work: (store: LogStore) => Promise<T>,
): Promise<T> {
  const store = await LogStore.open(directory, options);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function mustExist(directory: string): void {
  if (existsSync(directory)) return;
  const message = `there is no ${directory}: put and load make a store where there is none`;
  throw new DleError('DLE_INVALID_ARGUMENT', message);
}

async function report({ json }: CommandContext, result: object, text: string): Promise<void> {
  await print(json ? `${JSON.stringify(result)}\n` : `${text}\n`);
}

/** Resolves when it has been taken. */
function print(text: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}
