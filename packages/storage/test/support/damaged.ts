import { copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { randomBelow, SeededRandom } from '@dle/common';
import { expect } from 'vitest';
import type { LogStore, Loss, LostKey, RepairReport } from '../../src/index.js';
import { RECORD_HEADER_BYTES, RECORD_MAGIC, RecordView } from '../../src/log/record.js';

interface Write {
  readonly key: string;
  /** `undefined`: it was deleted. */
  readonly value: string | undefined;
}

/** What has been written to a store, write by write. */
export class History {
  /** That of index `n` is the one before `n`. */
  readonly writes: Write[] = [];
  readonly values = new Map<string, string>();
  /** All values that a key has had; `undefined`: it was deleted. */
  readonly versions = new Map<string, (string | undefined)[]>();
  #count = 0;

  async write(store: LogStore, count: number): Promise<void> {
    for (const end = this.#count + count; this.#count < end; this.#count++) {
      const n = this.#count;
      const key = `key ${(n * 7_919) % 257}`;
      const value = n % 5 === 4 ? undefined : `${n}`.padEnd(20 + (n % 150), '.');
      if (value === undefined) await store.del(key);
      else await store.put(key, value);
      this.note(key, value);
    }
    await store.flush();
  }

  note(key: string, value: string | undefined): void {
    const versions = this.versions.get(key) ?? [undefined];
    this.versions.set(key, versions);
    versions.push(value);
    this.writes.push({ key, value });
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
  }
}

/** Harms some file of a store; says how. */
export async function damageOf(directory: string, seed: number): Promise<string> {
  const random = new SeededRandom(seed);
  const below = (limit: number): number => randomBelow(random, limit);
  const names = (await readdir(directory)).filter((name) => !/^(lock|reserve)/.test(name)).sort();
  const last = names.filter((one) => one.endsWith('.segment')).at(-1);
  const said: string[] = [];
  for (let times = 1 + below(2); times > 0; times--) {
    const name = names[below(names.length)]!;
    const path = join(directory, name);
    const bytes = await readFile(path).catch(() => new Uint8Array(0));
    if (bytes.length === 0) continue;
    // Nothing tells of the last writes of a log but themselves.
    const how = name === last ? 0 : below(6);
    const at = below(bytes.length);
    const length = Math.min(bytes.length - at, 1 + below(1_500));
    if (how === 0) {
      bytes[at]! ^= 1 << below(8);
      await writeFile(path, bytes);
    } else if (how === 1) {
      bytes.fill(0, at, at + length);
      await writeFile(path, bytes);
    } else if (how === 2) {
      await truncate(path, at);
    } else if (how === 3) {
      await rm(path);
    } else if (how === 4) {
      bytes.copyWithin(below(bytes.length), at, at + length);
      await writeFile(path, bytes);
    } else {
      const others = names.filter((one) => one !== last);
      const other = others[below(others.length)]!;
      await copyFile(path, join(directory, other));
      said.push(`to ${other}`);
    }
    said.push(
      `${name}, ${['flip', 'zeros', 'cut', 'gone', 'block', 'copy'][how]} at ${at} ${length}`,
    );
  }
  return said.join('; ');
}

interface WholeRecord {
  readonly index: number;
  /** `undefined`: a delete. */
  readonly value: string | undefined;
  /** Whether the file ends in the zeros behind it: it may be saved, or not. */
  readonly isCut: boolean;
}

/**
 * Of each key the newest record that lies in the files of `directory` as it did in those of
 * `pristine`.
 */
export async function wholeRecords(
  pristine: string,
  directory: string,
): Promise<Map<string, WholeRecord>> {
  const newest = new Map<string, WholeRecord>();
  for (const name of await readdir(pristine)) {
    if (!/\.(segment|sorted)$/.test(name)) continue;
    const before = await readFile(join(pristine, name));
    const after = await readFile(join(directory, name)).catch(() => Buffer.alloc(0));
    for (let at = 0; at < before.length; at += 8) {
      const record = recordAt(before, at);
      if (record === undefined) continue;
      const { index } = record;
      const contentEnd = at + RECORD_HEADER_BYTES + record.keyLength + record.valueLength;
      const end = Math.min(record.end, Math.max(after.length, contentEnd));
      if (after.length < end || before.compare(after, at, end, at, end) !== 0) continue;
      const isCut = end < record.end;
      const key = Buffer.from(record.key).toString();
      const value = record.kind === 1 ? Buffer.from(record.value).toString() : undefined;
      if ((newest.get(key)?.index ?? 0) < index) newest.set(key, { index, value, isCut });
    }
  }
  return newest;
}

function recordAt(bytes: Uint8Array, at: number): RecordView | undefined {
  if (bytes[at] !== RECORD_MAGIC) return undefined;
  const record = new RecordView(bytes);
  try {
    record.read(at);
    return record;
  } catch {
    return undefined;
  }
}

/**
 * No whole record is lost: what is shown is the newest of them, unless a key directory has told of
 * a delete since.
 */
export function expectNewest(
  history: History,
  found: ReadonlyMap<string, string>,
  whole: ReadonlyMap<string, WholeRecord>,
): void {
  for (const [key, { value, isCut }] of whole) {
    if (isCut) continue;
    const shown = found.get(key);
    if (shown === value) continue;
    const versions = history.versions.get(key)!;
    const isDeleted = versions.indexOf(undefined, versions.indexOf(value) + 1) > 0;
    expect({ shown, isDeleted }, `${key} was ${value}`).toEqual({
      shown: undefined,
      isDeleted: true,
    });
  }
}

/** What differs from what was written is named in the report. */
export function expectSaved(
  history: History,
  found: ReadonlyMap<string, string>,
  { lost }: RepairReport,
): void {
  const named = new Set<string>();
  for (const { keys = [] } of lost) {
    for (const { key } of keys) named.add(Buffer.from(key).toString());
  }
  const isUnknown = lost.some(({ keys }) => keys === undefined);
  const isStale = lost.some(({ mayBeStale }) => mayBeStale);
  for (const [key, versions] of history.versions) {
    const value = found.get(key);
    const isRight = value === history.values.get(key);
    // Whatever it is, it has been written under this key.
    expect(versions, `${key}: ${value}`).toContain(value);
    if (isRight) continue;
    expect(isUnknown || named.has(key), `${key} is ${value}, and not named`).toBe(true);
    if (value !== undefined) expect(isStale, `${key} is an older value`).toBe(true);
  }
  for (const key of found.keys()) expect([...history.versions.keys()]).toContain(key);
}

/**
 * Whatever a key does not show though it was written last is named by its index; and whatever is
 * named by key and index lay there, was lost, and has no newer version that was saved.
 */
export async function expectExact(
  history: History,
  found: ReadonlyMap<string, string>,
  whole: ReadonlyMap<string, WholeRecord>,
  { report, pristine }: { readonly report: RepairReport; readonly pristine: string },
): Promise<void> {
  const { lost } = report;
  const newest = new Map(history.writes.map(({ key }, place) => [key, place + 1]));
  for (const [key, index] of newest) {
    const shown = found.get(key);
    if (shown === history.values.get(key)) continue;
    const naming = lost.filter((loss) => mayHaveHeld(loss, key, index));
    expect(naming, `${key} of index ${index}`).not.toEqual([]);
    const isStale = naming.some(({ mayBeStale }) => mayBeStale);
    if (shown !== undefined) expect(isStale, `${key} of index ${index} is stale`).toBe(true);
  }
  for (const loss of lost) {
    const before = await readFile(join(pristine, basename(loss.file)));
    const { offset, length, keys } = loss;
    const [from, to] = [offset, offset + length];
    if (keys !== undefined) expectNamed(loss, keys, { history, whole, before });
    else if (length > 0) {
      const after = await readFile(join(report.keptAside!, basename(loss.file)));
      const isSame = before.subarray(from, to).equals(after.subarray(from, to));
      expect(isSame, `${loss.file} from ${from} to ${to} is as it was`).toBe(false);
    }
  }
}

function expectNamed(
  { file, offset, length, firstIndex, lastIndex }: Loss,
  keys: readonly LostKey[],
  known: {
    readonly history: History;
    readonly whole: ReadonlyMap<string, WholeRecord>;
    readonly before: Uint8Array;
  },
): void {
  const indexes = keys.map(({ index }) => index);
  expect([firstIndex, lastIndex]).toEqual([Math.min(...indexes), Math.max(...indexes)]);
  const there = recordsOf(known.before, offset, offset + length);
  for (const { key, index } of keys) {
    const name = Buffer.from(key).toString();
    expect(there.get(index), `${index} in ${file} from ${offset}`).toBe(name);
    expect(known.history.writes[index - 1]!.key).toBe(name);
    const saved = known.whole.get(name);
    if (saved?.isCut) continue;
    expect(saved?.index ?? 0, `${name} of index ${index} was saved`).toBeLessThan(index);
  }
}

function mayHaveHeld(loss: Loss, key: string, index: number): boolean {
  const { keys, firstIndex = 1, lastIndex = Number.POSITIVE_INFINITY } = loss;
  if (keys === undefined) return firstIndex <= index && index <= lastIndex;
  return keys.some((one) => one.index === index && Buffer.from(one.key).toString() === key);
}

/** The keys of the records that begin in a part of a file, by their indexes. */
function recordsOf(bytes: Uint8Array, from: number, to: number): Map<number, string> {
  const records = new Map<number, string>();
  for (let at = from; at < to; at += 8) {
    const record = recordAt(bytes, at);
    if (record !== undefined) records.set(record.index, Buffer.from(record.key).toString());
  }
  return records;
}
