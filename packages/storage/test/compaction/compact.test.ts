import { readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { Desk, keyOf } from '../support/compacting.js';
import { textOf } from '../support/stores.js';

const KEYS = 6_000;
const textFor = (n: number): string => `value ${n}`.padEnd(40, '.');

async function filesOf(directory: string): Promise<Map<string, number>> {
  const names = await readdir(directory);
  const sizes = names.map(async (name) => (await stat(join(directory, name))).size);
  return new Map(
    await Promise.all(sizes.map(async (size, at) => [names[at]!, await size] as const)),
  );
}

/** What the process holds of files in `directory` that have been unlinked. */
async function unlinkedAndHeld(directory: string): Promise<string[]> {
  const links = (await readdir('/proc/self/fd')).map((fd) =>
    readlink(`/proc/self/fd/${fd}`).catch(() => ''),
  );
  const held = await Promise.all(links);
  return held.filter((path) => path.startsWith(directory) && path.endsWith('(deleted)'));
}

describe('compact', () => {
  const desk = new Desk();

  it('leaves one sorted run of what counts, and gives the rest of the space back', async () => {
    const store = await desk.open();
    for (let time = 0; time < 3; time++) await desk.put(0, KEYS, (n) => `${time} ${textFor(n)}`);
    await desk.delete(0, 1_000);
    for (let n = 0; n < KEYS; n += 7) store.getSync(keyOf(n));
    const before = store.stats().bytes;
    await store.compact();
    const { bytes, liveBytes, sortedRuns, segments, snapshots, compaction } = store.stats();
    expect(sortedRuns).toBe(1);
    expect(bytes).toBeLessThan(liveBytes * 1.05 + 4_096);
    expect(compaction).toMatchObject({ jobs: 1, failed: 0, bytesFreed: expect.any(Number) });
    expect(compaction.bytesFreed).toBeGreaterThan(before - 2 * 4_096);
    expect(snapshots.pinnedBytes).toBe(0);
    const files = await filesOf(desk.directory);
    const names = [...files.keys()].filter((name) => /\.(?:segment|sorted)$/.test(name));
    expect(names).toHaveLength(segments);
    expect(names.reduce((sum, name) => sum + files.get(name)!, 0)).toBe(bytes);
    for (let n = 0; n < KEYS; n++) {
      const expected = n < 1_000 ? undefined : `2 ${textFor(n)}`;
      expect(textOf(store.getSync(keyOf(n)))).toBe(expected);
    }
    expect((await store.verify()).damage).toEqual([]);
  });

  it('leaves almost nothing of a store in which everything was deleted', async () => {
    const store = await desk.open();
    await desk.put(0, KEYS, textFor);
    await desk.delete(0, KEYS);
    await store.compact();
    expect(store.stats()).toMatchObject({ keys: 0, liveBytes: 0, sortedRuns: 0, segments: 1 });
    const files = await filesOf(desk.directory);
    files.delete('reserve');
    expect([...files.values()].reduce((sum, size) => sum + size, 0)).toBeLessThan(8_192);
    const again = await desk.open();
    expect(again.stats().keys).toBe(0);
  });

  it.runIf(process.platform === 'linux')('holds nothing of files that are gone', async () => {
    const store = await desk.open();
    await desk.put(0, KEYS, textFor);
    await desk.put(0, KEYS, textFor);
    const reads: unknown[] = [];
    for (let n = 0; n < KEYS; n++) reads.push(store.getSync(keyOf(n)), store.get(keyOf(n)));
    await Promise.all(reads);
    await store.compact();
    expect(await unlinkedAndHeld(desk.directory)).toEqual([]);
  });

  it('does nothing where there is nothing to do', async () => {
    const store = await desk.open();
    await store.compact();
    await desk.put(0, 1_000, textFor);
    await store.compact();
    const { compaction } = store.stats();
    const files = await filesOf(desk.directory);
    await store.compact();
    expect(store.stats().compaction).toEqual(compaction);
    expect(await filesOf(desk.directory)).toEqual(files);
  });

  it('says how far it has come', async () => {
    const store = await desk.open();
    await desk.put(0, KEYS, textFor);
    await desk.put(0, KEYS, textFor);
    const said: { readonly doneBytes: number; readonly totalBytes: number }[] = [];
    await store.compact({ onProgress: (progress) => said.push(progress) });
    expect(said.length).toBeGreaterThan(2);
    for (const [at, { doneBytes, totalBytes }] of said.entries()) {
      expect(doneBytes).toBeGreaterThan(said[at - 1]?.doneBytes ?? 0);
      expect(doneBytes).toBeLessThanOrEqual(totalBytes);
    }
    expect(said.at(-1)!.doneBytes).toBeGreaterThan(said.at(-1)!.totalBytes * 0.3);
  });

  it('rejects with the reason of its signal, and nothing is lost', async () => {
    const store = await desk.open();
    await desk.put(0, KEYS, textFor);
    const { compaction } = store.stats();
    const reason = new Error('not now');
    const signal = AbortSignal.abort(reason);
    await expect(store.compact({ signal })).rejects.toBe(reason);
    expect(store.stats().compaction).toEqual(compaction);
    expect(await desk.compactInPart()).toMatchObject({ name: 'AbortError' });
    const { jobs, bytesWritten } = store.stats().compaction;
    expect(jobs).toBe(0);
    expect(bytesWritten).toBeGreaterThan(0);
    const check = (opened: LogStore): void => {
      for (let n = 0; n < KEYS; n += 11) expect(textOf(opened.getSync(keyOf(n)))).toBe(textFor(n));
    };
    check(store);
    check(await desk.open());
  });

  it('is ended by the close of the store, which then opens as it was', async () => {
    const store = await desk.open();
    await desk.put(0, KEYS, textFor);
    const compacting = store.compact({ onProgress: () => void store.close() });
    await expect(compacting).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    await store.close();
    await expect(store.compact()).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    const again = await desk.open();
    expect(again.stats().keys).toBe(KEYS);
    expect((await again.verify()).damage).toEqual([]);
  });

  it('leaves what is held as it is: views, reads under way, snapshots', async () => {
    const store = await desk.open();
    await desk.put(0, KEYS, textFor);
    const views = Array.from({ length: 100 }, (_, n) => store.getView(keyOf(n))!);
    const reads = Array.from({ length: 1_000 }, (_, n) => store.get(keyOf(n)));
    const snapshot = store.snapshotKeys();
    await desk.put(0, KEYS, () => 'new');
    await store.compact();
    expect(store.stats().snapshots.pinnedBytes).toBeGreaterThan(0);
    await store.compact();
    for (const [n, view] of views.entries()) expect(textOf(view)).toBe(textFor(n));
    for (const [n, value] of (await Promise.all(reads)).entries()) {
      expect(textOf(value)).toBe(textFor(n));
    }
    let pairs = 0;
    for (let page = snapshot.next(10_000); page.length > 0; page = snapshot.next(10_000)) {
      for (const { value } of page) expect(textOf(value)).toMatch(/^value /);
      pairs += page.length;
    }
    expect(pairs).toBe(KEYS);
    snapshot.close();
    expect(store.stats().snapshots.pinnedBytes).toBe(0);
  });
});
