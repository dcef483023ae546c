import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore, type RepairReport } from '../../src/index.js';
import { OPTIONS } from '../support/compacting.js';
import {
  damageOf,
  expectExact,
  expectNewest,
  expectSaved,
  History,
  wholeRecords,
} from '../support/damaged.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { pairsOf } from '../support/pairs.js';

const SEEDS = 40;

let root = '';
const place = (name: string): string => join(root, name);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dle-repair-'));
});
afterEach(() => rm(root, { recursive: true }));

/** Segments, sorted ones, and deletes in both. */
async function fill(directory: string, history: History): Promise<void> {
  const store = await LogStore.open(directory, { ...OPTIONS, idleFlushMs: 60_000 });
  await history.write(store, 700);
  await store.compact();
  await history.write(store, 300);
  await store.compact();
  await history.write(store, 250);
  await store.verify();
  await store.close();
}

async function contentOf(directory: string): Promise<Map<string, string>> {
  const store = await LogStore.open(directory, OPTIONS);
  try {
    expect((await store.verify()).damage).toEqual([]);
    return await pairsOf(store);
  } finally {
    await store.close();
  }
}

describe('a repair', () => {
  it('leaves a store alone that is whole, torn at its end or not', async () => {
    const history = new History();
    await fill(place('store'), history);
    const names = (await readdir(place('store'))).sort();
    expect(await LogStore.repair(place('store'))).toMatchObject({
      damage: [],
      lost: [],
      keptAside: undefined,
    });
    expect((await readdir(place('store'))).sort()).toEqual(names);
    const last = names.filter((name) => name.endsWith('.segment')).at(-1)!;
    await appendFile(join(place('store'), last), 'a write that has been torn');
    expect(await LogStore.repair(place('store'))).toMatchObject({ damage: [], lost: [] });
    expect(await contentOf(place('store'))).toEqual(history.values);
  });

  it('refuses what is no store', async () => {
    await expect(LogStore.repair(place('nothing'))).rejects.toMatchObject({
      code: 'DLE_INVALID_ARGUMENT',
    });
  });

  it(`saves what is whole, and says what is not, ${SEEDS} times`, async () => {
    const history = new History();
    await fill(place('whole'), history);
    const outcomes = { alone: 0, named: 0, unknown: 0, unharmed: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const directory = place(`store ${seed}`);
      await cp(place('whole'), directory, { recursive: true });
      const what = await damageOf(directory, seed);
      let report: RepairReport;
      try {
        const whole = await wholeRecords(place('whole'), directory);
        report = await LogStore.repair(directory);
        const found = await contentOf(directory);
        expectNewest(history, found, whole);
        expectSaved(history, found, report);
        await expectExact(history, found, whole, { report, pristine: place('whole') });
      } catch (thrown) {
        throw new Error(`seed ${seed}: ${what}`, { cause: thrown });
      }
      if (report.damage.length === 0) outcomes.alone++;
      else if (report.lost.length === 0) outcomes.unharmed++;
      else if (report.lost.every(({ keys }) => keys !== undefined)) outcomes.named++;
      else outcomes.unknown++;
      // A second one finds nothing to do.
      expect((await LogStore.repair(directory)).damage).toEqual([]);
      await rm(directory, { recursive: true });
    }
    for (const [outcome, times] of Object.entries(outcomes)) {
      expect(times, outcome).toBeGreaterThan(0);
    }
  }, 300_000);

  it.each([
    ['the first put', 'first', { saved: 'second', gone: undefined, lost: [] }],
    ['the second put', 'second', { saved: undefined, gone: undefined, lost: ['saved'] }],
    ['the delete', 'delete', { saved: 'second', gone: undefined, lost: [] }],
    ['another write', 'elsewhere', { saved: 'second', gone: undefined, lost: ['large'] }],
  ])(
    'tells apart what one batch does to a key more than once, %s harmed',
    async (_, harmed, expected) => {
      const machine = new Machine();
      const options = { segmentSize: 4_096, compaction: { automatic: false } };
      const store = await LogStore.open(DIRECTORY, options, machine);
      await store.batch([
        { type: 'put', key: 'saved', value: 'first' },
        { type: 'put', key: 'gone', value: 'deleted' },
        { type: 'put', key: 'saved', value: 'second' },
        { type: 'del', key: 'gone' },
      ]);
      // These begin segments of their own, and those before get their key directories.
      await store.put('large', 'elsewhere'.repeat(400));
      await store.put('last', 'x'.repeat(4_000));
      await store.verify();
      await store.close();
      const [first, next] = await machine.segments();
      const path = harmed === 'elsewhere' ? next : first;
      const bytes = Buffer.from(machine.vfs.contentOf(path!));
      const at = harmed === 'delete' ? bytes.lastIndexOf('gone') : bytes.lastIndexOf(harmed);
      machine.vfs.flipBit(path!, at, 0);
      const { damage, lost } = await LogStore.repair(DIRECTORY, {}, machine);
      expect(damage).toMatchObject([{ file: path }]);
      const names = lost.flatMap(({ keys }) => keys!.map(({ key }) => Buffer.from(key).toString()));
      expect(names).toEqual(expected.lost);
      const repaired = await LogStore.open(DIRECTORY, options, machine);
      const pairs = await pairsOf(repaired);
      expect([pairs.get('saved'), pairs.get('gone')]).toEqual([expected.saved, expected.gone]);
      await repaired.close();
    },
  );

  it('keeps the damaged files aside, each time in another directory', async () => {
    const history = new History();
    await fill(place('store'), history);
    for (const aside of ['damaged', 'damaged-2']) {
      const names = await readdir(place('store'));
      const segment = names.filter((name) => name.endsWith('.segment')).sort()[0]!;
      const path = join(place('store'), segment);
      const bytes = await readFile(path);
      bytes.fill(0, 64, 128);
      await writeFile(path, bytes);
      const { keptAside, lost, damage } = await LogStore.repair(place('store'));
      expect(damage.length).toBeGreaterThan(0);
      // The head of a frame, which holds nothing.
      expect(lost).toEqual([]);
      expect(keptAside).toBe(join(place('store'), aside));
      expect(await readFile(join(keptAside!, segment))).toEqual(bytes);
      expect(await contentOf(place('store'))).toEqual(history.values);
    }
  });

  it('takes a key directory away that is damaged, and nothing else', async () => {
    const history = new History();
    await fill(place('store'), history);
    const names = (await readdir(place('store'))).sort();
    const directory = names.find((name) => name.endsWith('.directory'))!;
    const path = join(place('store'), directory);
    const bytes = await readFile(path);
    bytes[1_000]! ^= 1;
    await writeFile(path, bytes);
    const { damage, lost, keptAside } = await LogStore.repair(place('store'));
    expect(damage).toMatchObject([{ file: path }]);
    expect({ lost, keptAside }).toEqual({ lost: [], keptAside: undefined });
    const left = names.filter((name) => name !== directory);
    expect((await readdir(place('store'))).sort()).toEqual(left);
    expect(await contentOf(place('store'))).toEqual(history.values);
  });

  it('changes nothing when it finds no room, or is ended, and can be run again', async () => {
    const history = new History();
    const machine = new Machine();
    const options = { segmentSize: 4_096, idleFlushMs: 60_000, compaction: { automatic: false } };
    const store = await LogStore.open(DIRECTORY, options, machine);
    await history.write(store, 200);
    await store.verify();
    await store.close();
    machine.vfs.flipBit(`${DIRECTORY}/0000000000000001.segment`, 70, 1);
    const paths = machine.vfs.paths.sort();
    machine.vfs.capacityBytes = machine.vfs.usedBytes + 100_000;
    await expect(LogStore.repair(DIRECTORY, {}, machine)).rejects.toMatchObject({
      code: 'DLE_DISK_FULL',
    });
    machine.vfs.capacityBytes = Number.POSITIVE_INFINITY;
    expect(machine.vfs.paths.sort()).toEqual(paths);
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = (): void => controller.abort(new Error('enough'));
    const ended = LogStore.repair(DIRECTORY, { signal, onProgress }, machine);
    await expect(ended).rejects.toThrow('enough');
    expect(machine.vfs.paths.sort()).toEqual(paths);
    expect(machine.vfs.openPaths).toEqual([]);
    const { records } = await LogStore.repair(DIRECTORY, {}, machine);
    expect(records).toBe(history.values.size);
    const again = await LogStore.open(DIRECTORY, options, machine);
    expect(await pairsOf(again)).toEqual(history.values);
    await again.close();
  });
});
