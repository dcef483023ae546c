import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareBytes } from '@dle/common';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LiveBytes } from '../../src/compaction/live-bytes.js';
import { entryAt, firstKeyOf } from '../../src/directory/block-search.js';
import { DirectoryEntryView } from '../../src/directory/directory-block.js';
import { nativeStatus } from '../../src/index.js';
import { EntryBatchBuilder, NodeVfs } from '../../src/internal.js';
import { SegmentSlots } from '../../src/key-index/position.js';
import { RecordKind } from '../../src/log/record-kinds.js';
import { SegmentFiles } from '../../src/log/segment-files.js';
import { nativeBinding } from '../../src/native/native.js';
import { type GatherKeys, typescriptGathering } from '../../src/ordered/gather-keys.js';
import type { MemoryRun } from '../../src/ordered/memory-run.js';
import { nativeGathering } from '../../src/ordered/native-gathering.js';
import { doNow } from '../../src/ordered/work.js';
import { createNativeIndex } from '../../src/store/native-index.js';

const SLOT = 7;
const PAUSE = { now: () => undefined, later: () => Promise.resolve() };

/** Few keys, so that they are written again: short, long, and alike in what they begin with. */
function keyOf(draw: number): Uint8Array {
  const [kind, number] = [draw % 16, Math.floor(draw / 16)];
  if (kind === 0) return new Uint8Array(3_000 + (number % 1_097)).fill(number % 4);
  if (kind === 1) return new Uint8Array(number % 12).fill(number % 3);
  const text = Buffer.from(`users/0000/${number % 700}`);
  // Longer than what the sources of a merge are compared by at first.
  return kind < 4 ? Buffer.concat([new Uint8Array(70), text]) : text;
}

/** Of one kind, which is alike in more, or of all. */
const draws = fc.oneof(
  fc.array(fc.nat(2 ** 16), { minLength: 1, maxLength: 900, size: 'max' }),
  fc.array(
    fc.nat(2 ** 12).map((number) => number * 16 + 5),
    { minLength: 1, maxLength: 900, size: 'max' },
  ),
);
/** The pieces of a file. */
const pieces = fc.array(draws, { minLength: 1, maxLength: 5 });

/** Looked for in what was gathered. */
const soughtDraws = fc.array(fc.nat(2 ** 16), { maxLength: 20 });

interface Shown {
  readonly key: string;
  readonly offset: number;
  readonly index: number;
  readonly kind: RecordKind;
  readonly valueLength: number;
}

/** The newest record of each key, in the order of the keys. */
class Model {
  readonly #newest = new Map<string, { readonly key: Uint8Array; readonly shown: Shown }>();

  add(key: Uint8Array, shown: Omit<Shown, 'key'>): void {
    const name = Buffer.from(key).toString('hex');
    this.#newest.set(name, { key, shown: { key: name, ...shown } });
  }

  /** What `later` has takes the place of what this one has. */
  take(later: Model): void {
    for (const [name, entry] of later.#newest) this.#newest.set(name, entry);
  }

  get shown(): Shown[] {
    const sorted = [...this.#newest.values()].sort((a, b) => compareBytes(a.key, b.key));
    return sorted.map(({ shown }) => shown);
  }
}

function showRun(run: MemoryRun): Shown[] {
  const all: Shown[] = [];
  for (let number = 0; number < run.count; number++) {
    const block = run.peek(number)!;
    expect(block.slot).toBe(SLOT);
    const entry = new DirectoryEntryView(block.bytes);
    for (let place = 0; place < block.count; place++) {
      entry.moveTo(entryAt(block, place));
      all.push({
        key: Buffer.from(entry.key).toString('hex'),
        offset: entry.recordOffset,
        index: block.firstIndex + entry.relativeIndex,
        kind: entry.kind,
        valueLength: entry.valueLength,
      });
    }
    expect(entry.end).toBe(block.end);
  }
  expect(run.keys).toBe(all.length);
  return all;
}

/** In which block `key` may lie: all of them looked at. */
function blockOf(run: MemoryRun, key: Uint8Array): number {
  let found = 0;
  for (let number = 0; number < run.count; number++) {
    if (compareBytes(firstKeyOf(run.peek(number)!), key) <= 0) found = number;
  }
  return found;
}

/** Records as they lie in a file, and what is to be found in them. */
function encode(draws: readonly number[], firstIndex: number, offset: number) {
  const builder = new EntryBatchBuilder(firstIndex, 1);
  const model = new Model();
  for (const [place, draw] of draws.entries()) {
    const key = keyOf(draw);
    const kind = draw % 5 === 0 ? RecordKind.delete : RecordKind.put;
    const valueLength = kind === RecordKind.delete ? 0 : draw % 40;
    const at = { offset: offset + builder.length, index: firstIndex + place };
    model.add(key, { ...at, kind, valueLength });
    if (kind === RecordKind.delete) builder.delete(key);
    else builder.put(key, new Uint8Array(valueLength));
    builder.endEntry();
  }
  return { bytes: builder.finish().bytes, model };
}

describe.skipIf(!nativeStatus().loaded)('gathering keys', () => {
  let directory: string;
  let ways: readonly GatherKeys[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dle-gathering-'));
    const slots = new SegmentSlots();
    const files = new SegmentFiles(new NodeVfs(), directory);
    const options = { seed: { low: 1, high: 2 }, segmentSize: 1024 * 1024 };
    const components = { files, slots, live: new LiveBytes(slots) };
    const native = createNativeIndex(nativeBinding()!, components, options);
    ways = [typescriptGathering, nativeGathering(native)];
  });

  afterAll(() => rm(directory, { recursive: true }));

  it('and merging them is the same in C as here, and as a map has it', { timeout: 60_000 }, () => {
    const property = fc.property(pieces, soughtDraws, fc.nat(2 ** 40), (all, draws, before) => {
      const sought = draws.map(keyOf).flatMap((key) => [key, Buffer.concat([key, key])]);
      const runs: MemoryRun[][] = ways.map(() => []);
      const whole = new Model();
      let offset = 4_096;
      let index = before + 1;
      for (const some of all) {
        const { bytes, model } = encode(some, index, offset);
        for (const [way, { gather }] of ways.entries()) {
          const piece = { bytes, offset, path: 'a file', file: 1, slot: SLOT };
          const found = gather({ ...piece, frameEnd: Number.POSITIVE_INFINITY });
          expect(found.end).toBe(offset + bytes.length);
          expect(showRun(found.run!)).toEqual(model.shown);
          runs[way]!.push(found.run!);
        }
        whole.take(model);
        offset += bytes.length;
        index += some.length;
      }
      // What the one has gathered the other merges as well.
      for (const gathered of runs) {
        for (const { merge } of ways) {
          const run = doNow(merge(gathered, SLOT, PAUSE));
          expect(showRun(run)).toEqual(whole.shown);
          for (const key of sought) expect(run.findNow(key)).toBe(blockOf(run, key));
        }
      }
    });
    fc.assert(property, { numRuns: Number(process.env.DLE_RUNS ?? 40) });
  });

  it('reads what is in memory, and leaves to others what is not there', async () => {
    const path = join(directory, 'file');
    await writeFile(
      path,
      Uint8Array.from({ length: 200_000 }, (_, at) => at % 251),
    );
    const file = new NodeVfs().openSync(path, { readOnly: true });
    const [, { readNow }] = ways as [GatherKeys, GatherKeys];
    expect(readNow(file, 200_000, 0)!.at(-1)).toBe(199_999 % 251);
    expect(readNow(file, 3, 500)).toEqual(Uint8Array.of(249, 250, 0));
    expect(readNow(file, 200_000, 1)).toBeUndefined();
    await file.close();
  });
});
