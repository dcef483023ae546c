import { describe, expect, it } from 'vitest';
import type { FoundDamage, LogStore, LogStoreOptions } from '../../src/index.js';
import { batchOf, DIRECTORY, Machine } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';
import { openStore, textOf } from '../support/stores.js';

const KEYS = 120;
const keyOf = (i: number) => `key ${i}`.padEnd(40 + (i % 60), '.');
const QUIET = { idleFlushMs: 60_000, compaction: { automatic: false } } as const;

/** Segments of the log and, if `sorted`, what compaction has made of those before. */
async function filled(
  machine: Machine,
  sorted: boolean,
  options: LogStoreOptions = {},
): Promise<LogStore> {
  const store = await openStore(machine, { segmentSize: 16_384, ...QUIET, ...options });
  for (let i = 0; i < KEYS; i++) await store.put(keyOf(i), `${i}`.repeat(80));
  if (sorted) await store.compact();
  for (let i = 0; i < KEYS; i += 2) await store.put(keyOf(i), `${i}`.repeat(90));
  await store.verify();
  return store;
}

async function pathsOf({ vfs }: Machine, pattern: RegExp): Promise<string[]> {
  const names = (await vfs.list(DIRECTORY)).filter((name) => pattern.test(name)).sort();
  return names.map((name) => `${DIRECTORY}/${name}`);
}

function watched(store: LogStore): FoundDamage[] {
  const told: FoundDamage[] = [];
  store.onDamage((damage) => told.push(damage));
  return told;
}

describe('a scrub', () => {
  it('reads everything, and finds nothing where all is well', async () => {
    const machine = new Machine();
    await using store = await filled(machine, true);
    const progress: number[] = [];
    const report = await store.scrub({ onProgress: ({ files }) => progress.push(files) });
    const sealed = await pathsOf(machine, /sorted$|directory$|manifest$/);
    // The last of them is the one that is being written to.
    const segments = await machine.segments();
    const bytes = [...sealed, ...segments].map((path) => machine.vfs.contentOf(path).length);
    expect(report).toEqual({
      files: bytes.length,
      bytes: bytes.reduce((sum, size) => sum + size, 0),
      damage: [],
    });
    expect(progress.at(-1)).toBe(report.files);
    const { scrub, damage } = store.stats();
    expect(damage).toEqual([]);
    expect(scrub).toEqual({ rounds: 1, files: report.files, bytes: report.bytes, found: 0 });
  });

  it('finds a bit that has changed, wherever in the records of the log, and the entry', async () => {
    const machine = new Machine();
    await using store = await filled(machine, false);
    const told = watched(store);
    const [first] = await machine.segments();
    const used = machine.vfs.contentOf(first!).findLastIndex((byte) => byte !== 0);
    const entriesOf = new Map<number, number>();
    for (let offset = 3; offset < used; offset += 61) {
      machine.vfs.flipBit(first!, offset, offset % 8);
      const { damage } = await store.scrub();
      expect(damage, `at ${offset}`).toHaveLength(1);
      const [{ file, kind, indexes, offset: at }] = damage as [FoundDamage];
      expect({ file, kind }).toEqual({ file: first, kind: 'segment' });
      expect(at).toBeLessThanOrEqual(offset);
      // One put is one frame and one entry: at most that one is harmed.
      const { first: from, last } = indexes!;
      expect(last - from).toBeLessThan(1);
      expect(last - from).toBeGreaterThan(-2);
      if (last === from) entriesOf.set(from, (entriesOf.get(from) ?? 0) + 1);
      expect(store.stats().damage).toEqual(damage);
      expect(told.at(-1)).toEqual(damage[0]);
      machine.vfs.flipBit(first!, offset, offset % 8);
      await store.scrub();
      expect(store.stats().damage).toEqual([]);
    }
    // All that lie in it, in their order.
    const found = [...entriesOf.keys()];
    expect(found).toEqual(Array.from(found, (_, at) => at + 1));
    expect(found.length).toBeGreaterThan(10);
    // What has been told was not read before.
    expect(store.stats().scrub.found).toBe(told.length);
  });

  it('finds all places of a segment, and goes on behind each', async () => {
    const machine = new Machine();
    await using store = await filled(machine, false);
    const [first] = await machine.segments();
    const content = machine.vfs.contentOf(first!);
    const places = [5, 20, 21].map((i) => Buffer.from(content).indexOf(`${i}`.repeat(80)));
    for (const place of places) machine.vfs.flipBit(first!, place, 3);
    const { damage } = await store.scrub();
    expect(damage.map(({ indexes }) => indexes)).toEqual([
      { first: 6, last: 6 },
      { first: 21, last: 22 },
    ]);
  });

  it('finds a bit that has changed in sorted records, and between which keys it lies', async () => {
    const machine = new Machine();
    await using store = await filled(machine, true);
    const keys = Array.from({ length: KEYS }, (_, i) => keyOf(i)).sort();
    const [first] = await pathsOf(machine, /sorted$/);
    const used = machine.vfs.contentOf(first!).length;
    for (let offset = 70; offset < used; offset += 97) {
      machine.vfs.flipBit(first!, offset, offset % 8);
      const { damage } = await store.scrub();
      machine.vfs.flipBit(first!, offset, offset % 8);
      expect(damage, `at ${offset}`).toMatchObject([{ kind: 'sorted', file: first }]);
      const { gt, lt } = damage[0]!.keys!;
      const from = gt === undefined ? -1 : keys.indexOf(textOf(gt)!);
      if (lt !== undefined) expect(keys.indexOf(textOf(lt)!)).toBe(from + 2);
    }
  });

  it('finds a bit that has changed in what was flushed of the segment that is being written to', async () => {
    const machine = new Machine();
    await using store = await filled(machine, false);
    const active = (await machine.segments()).at(-1)!;
    const used = machine.vfs.contentOf(active).findLastIndex((byte) => byte !== 0) + 1;
    for (let offset = 3; offset < used; offset += 61) {
      machine.vfs.flipBit(active, offset, offset % 8);
      const { damage } = await store.scrub();
      machine.vfs.flipBit(active, offset, offset % 8);
      expect(damage, `at ${offset}`).toMatchObject([{ kind: 'segment', file: active }]);
      expect(damage[0]!.indexes).toBeUndefined();
      await store.scrub();
      expect(store.stats().damage).toEqual([]);
    }
    // It is written to meanwhile: what was not flushed when this began is none of its business.
    const writing = Promise.all(Array.from({ length: 50 }, (_, i) => store.put(keyOf(i), 'new')));
    expect((await store.scrub()).damage).toEqual([]);
    await writing;
    await machine.vfs.unlink((await machine.segments()).at(-1)!);
    expect((await store.scrub()).damage).toMatchObject([{ kind: 'segment', offset: 0 }]);
  });

  it.each(['failWrite', 'failFlush'] as const)(
    'reads nothing of a segment that was begun and never flushed: %s',
    async (fault) => {
      let begun = 0;
      for (let call = 1; call <= 12; call++) {
        const machine = new Machine(call);
        await using store = await openStore(machine, QUIET);
        machine.vfs.plan({ [fault]: call });
        for (let n = 0; n < 12 && !store.stats().poisoned; n++) {
          await Promise.allSettled([store.put('key', `${n}`.repeat(2_000))]);
        }
        if (!store.stats().poisoned) continue;
        expect((await store.scrub()).damage, `call ${call}`).toEqual([]);
        if (store.log.rolledAt > store.log.flushed) begun++;
      }
      expect(begun).toBeGreaterThan(0);
    },
  );

  it('says that a segment is gone before it had a key directory', async () => {
    const machine = new Machine();
    await using store = await filled(machine, false);
    const active = (await machine.segments()).at(-1)!;
    await machine.vfs.unlink(active);
    for (let i = 0; i < KEYS; i++) await store.put(`another ${i}`, `${i}`.repeat(80));
    expect((await machine.segments()).at(-1)).not.toBe(active);
    const { damage } = await store.scrub();
    expect(damage).toMatchObject([{ kind: 'segment', file: active, offset: 0 }]);
  });

  it.each([
    ['a segment of the log', /segment$/, 'segment'],
    ['a sorted one', /sorted$/, 'sorted'],
  ])('says that a file is gone: %s', async (_, pattern, kind) => {
    const machine = new Machine();
    await using store = await filled(machine, true);
    const [path] = await pathsOf(machine, pattern);
    await machine.vfs.unlink(path!);
    expect((await store.scrub()).damage).toMatchObject([{ kind, file: path, offset: 0 }]);
  });

  it.each([
    ['a block', 200],
    ['the head', 17],
  ])('has a key directory made again at once: %s', async (_, offset) => {
    const machine = new Machine();
    await using store = await filled(machine, true);
    const paths = await pathsOf(machine, /directory$/);
    expect(paths.length).toBeGreaterThan(2);
    const contents = paths.map((path) => machine.vfs.contentOf(path));
    const told = watched(store);
    for (const path of paths) machine.vfs.flipBit(path, offset, 1);
    const { damage } = await store.scrub();
    expect(damage.map(({ file, kind }) => [file, kind])).toEqual(
      told.map(({ file }) => [file, 'directory']),
    );
    expect(told.map(({ file }) => file).sort()).toEqual(paths);
    // That waits for those that are being made.
    const { damage: left, harmless } = await store.verify();
    expect([left, harmless]).toEqual([[], []]);
    expect(paths.map((path) => machine.vfs.contentOf(path))).toEqual(contents);
    expect(store.stats().damage).toEqual([]);
    expect((await store.scrub()).damage).toEqual([]);
    for (let i = 0; i < KEYS; i += 7) {
      const [found] = await store.keys({ gte: keyOf(i), limit: 1 }).all();
      expect(textOf(found)).toBe(keyOf(i));
    }
    await store.compact();
    expect(store.stats()).toMatchObject({ keys: KEYS, sortedRuns: 1 });
  });

  it('has the manifest written again at once', async () => {
    const machine = new Machine();
    await using store = await filled(machine, true);
    const path = `${DIRECTORY}/manifest`;
    for (const harm of [() => machine.vfs.flipBit(path, 30, 2), () => machine.vfs.unlink(path)]) {
      await harm();
      const { damage } = await store.scrub();
      expect(damage).toMatchObject([{ kind: 'manifest', file: path }]);
      await turns();
      expect((await store.verify()).damage).toEqual([]);
      expect(store.stats().damage).toEqual([]);
    }
  });

  it('happens by itself, as slowly as is said, and all of it in a day if nothing is', async () => {
    for (const [options, hours] of [
      [{ bytesPerSecond: 2 }, undefined],
      [{}, 25],
    ] as const) {
      const machine = new Machine();
      await using store = await filled(machine, true, { scrub: options });
      const told = watched(store);
      const [path] = await machine.segments();
      machine.vfs.flipBit(path!, 100, 1);
      const { bytes } = await store.scrub();
      expect(told).toHaveLength(1);
      const began = machine.clock.now();
      while (store.stats().scrub.rounds < 2) {
        machine.clock.pass(60_000);
        await turns(6);
      }
      const passed = (machine.clock.now() - began) / 3_600_000;
      // After an hour, as before each round.
      const expected = hours ?? 1 + bytes / 2 / 3_600;
      expect(passed).toBeGreaterThan(expected * 0.8);
      expect(passed).toBeLessThan(expected * 1.2);
      expect(told).toHaveLength(1);
    }
  });

  it('does not hold up the close of a store, nor go on behind it', async () => {
    const machine = new Machine();
    const store = await filled(machine, true, { scrub: { bytesPerSecond: 1 } });
    machine.clock.pass(3_600_000);
    await turns();
    const byHand = store.scrub({ bytesPerSecond: 1 });
    const ended = expect(byHand).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    const aborted = new AbortController();
    const another = store.scrub({ bytesPerSecond: 1, signal: aborted.signal });
    aborted.abort(new Error('enough'));
    await expect(another).rejects.toThrow('enough');
    await store.close();
    await ended;
    await expect(store.scrub()).rejects.toMatchObject({ code: 'DLE_CLOSED' });
  });

  it('passes over what compaction takes away meanwhile', async () => {
    const machine = new Machine();
    await using store = await filled(machine, false);
    let compaction: Promise<void> | undefined;
    const { damage } = await store.scrub({
      onProgress: ({ files }) => {
        if (files === 2) compaction = store.compact();
      },
    });
    await compaction;
    expect(damage).toEqual([]);
    expect((await store.scrub()).damage).toEqual([]);
  });
});

describe('a scrub of a replicated store', () => {
  it('has the directory of a segment with replaced entries made again as it was', async () => {
    const machine = new Machine();
    await using store = await openStore(machine, {
      ...QUIET,
      segmentSize: 16_384,
      replicated: true,
    });
    const { log } = store;
    const write = (index: number, term: number) => {
      const batch = batchOf(index, term, `${index} of ${term}`.padEnd(700, '.'));
      return log.whenFlushed(log.append(batch, { replaces: true }));
    };
    for (let index = 1; index <= 9; index++) await write(index, 1);
    // Another leader has other entries from the sixth on.
    for (let index = 6; index <= 60; index++) await write(index, 2);
    store.apply(60);
    await store.verify();
    const paths = await pathsOf(machine, /directory$/);
    expect(paths.length).toBeGreaterThan(1);
    const contents = paths.map((path) => machine.vfs.contentOf(path));
    for (const path of paths) machine.vfs.flipBit(path, 150, 1);
    const { damage } = await store.scrub();
    expect(damage.map(({ file }) => file)).toEqual(paths);
    expect((await store.verify()).damage).toEqual([]);
    expect(paths.map((path) => machine.vfs.contentOf(path))).toEqual(contents);
    const [first] = await machine.segments();
    const place = Buffer.from(machine.vfs.contentOf(first!)).indexOf('6 of 2');
    machine.vfs.flipBit(first!, place, 1);
    expect((await store.scrub()).damage).toMatchObject([
      { kind: 'segment', indexes: { first: 6, last: 6 } },
    ]);
  });
});

describe('damage that is met while a store is open', () => {
  it('is told by who reads in the order of the keys, and mended', async () => {
    const machine = new Machine();
    await using store = await filled(machine, true);
    const told = watched(store);
    const paths = await pathsOf(machine, /directory$/);
    for (const path of paths) machine.vfs.flipBit(path, 300, 1);
    expect(await store.keys().all()).toHaveLength(KEYS);
    expect(told.map(({ file }) => file).sort()).toEqual(paths);
    expect((await store.verify()).damage).toEqual([]);
  });

  it('is told by compaction, which leaves the file as it is', async () => {
    const machine = new Machine();
    await using store = await filled(machine, false);
    const told = watched(store);
    const [path] = await machine.segments();
    const place = Buffer.from(machine.vfs.contentOf(path!)).indexOf('1'.repeat(80));
    machine.vfs.flipBit(path!, place, 1);
    await expect(store.compact()).rejects.toMatchObject({ code: 'DLE_CORRUPT' });
    expect(told).toMatchObject([{ kind: 'segment', file: path }]);
    expect(store.stats().damage).toEqual(told);
  });
});
