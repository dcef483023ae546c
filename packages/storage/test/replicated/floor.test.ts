import { toBytes } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { EntryBatchBuilder } from '../../src/internal.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { pairsOf } from '../support/pairs.js';
import { Member } from './member.js';

const REPLICATED = {
  replicated: true,
  segmentSize: 4_096,
  compaction: { automatic: false, bytesPerSecond: 0 },
};
const refused = expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT', effect: 'none' });

/** A store with so many entries, all of them applied. */
async function filled(entries: number): Promise<Member> {
  const member = new Member(7);
  await member.open();
  for (let index = 1; index <= entries; index++) member.append(index, 1);
  await member.commit(entries);
  member.store.apply(entries);
  await member.store.flush();
  return member;
}

describe('a floor', () => {
  it('is refused where nothing is applied, in another term, with too much state', async () => {
    const member = await filled(20);
    const { store } = member;
    const state = new Uint8Array(0);
    const { term } = member.state.entries[9]!;
    member.append(21, 1);
    await expect(store.setFloor({ index: 21, term, state })).rejects.toEqual(refused);
    await expect(store.setFloor({ index: 0, term, state })).rejects.toEqual(refused);
    await expect(store.setFloor({ index: 10.5, term, state })).rejects.toEqual(refused);
    await expect(store.setFloor({ index: 10, term: term + 1, state })).rejects.toEqual(refused);
    const large = new Uint8Array(64 * 1024 + 1);
    await expect(store.setFloor({ index: 10, term, state: large })).rejects.toEqual(refused);
    expect([store.floor.index, store.log.firstIndex]).toEqual([0, 1]);
    await store.setFloor({ index: 10, term, state: large.subarray(1) });
    expect([store.floor.index, store.log.firstIndex]).toEqual([10, 11]);
    await store.close();
    await expect(store.setFloor({ index: 11, term, state })).rejects.toMatchObject({
      code: 'DLE_CLOSED',
    });
  });

  it('never falls', async () => {
    const member = await filled(20);
    await member.raiseFloor(12);
    await member.store.setFloor({ index: 11, term: 1, state: new Uint8Array(0) });
    expect(member.store.floor.index).toBe(12);
    await member.store.close();
    await member.open();
    expect(Buffer.from(member.store.floor.state).toString()).toBe('state at 12');
  });

  it('is waited for by a close, and refused behind it', async () => {
    const member = await filled(60);
    const { store, vfs } = member;
    const floors = [20, 40, 60].map((index) => member.raiseFloor(index));
    const closed = store.close();
    await expect(member.raiseFloor(60)).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    await Promise.all([closed, ...floors]);
    const { operations } = vfs;
    await member.pass();
    expect(vfs.operations).toBe(operations);
    await member.open();
    expect(member.store.floor.index).toBe(60);
    await member.store.close();
  });

  it('is nothing for a standalone store', async () => {
    const store = await LogStore.open(DIRECTORY, {}, new Machine());
    const floor = { index: 1, term: 0, state: new Uint8Array(0) };
    await expect(store.setFloor(floor)).rejects.toEqual(refused);
    expect(() => store.floor).toThrow(refused);
    await store.close();
  });

  it('has a read that is under way when its entries go end in a typed refusal', async () => {
    const member = await filled(120);
    const { store } = member;
    const { log } = store;
    const early = Promise.resolve(log.read(1, log.lastIndex)).then(
      (batch) => batch.count,
      (thrown: unknown) => thrown,
    );
    await member.raiseFloor(120);
    await store.compact();
    expect([120, refused]).toContainEqual(await early);
    expect(() => log.read(120, 120)).toThrow(refused);
    expect(log.termAt(120)).toBe(member.state.entries[119]!.term);
    expect(() => log.termAt(119)).toThrow(refused);
    await store.close();
  });

  it('lets compaction take what lies below it, and nothing else', async () => {
    const member = await filled(200);
    const { store, vfs } = member;
    const segments = () => vfs.paths.filter((path) => path.endsWith('.segment')).length;
    const before = segments();
    await store.compact();
    expect(segments()).toBe(before);
    await member.raiseFloor(100);
    await store.compact();
    const between = segments();
    expect(between).toBeLessThan(before);
    expect(between).toBeGreaterThan(before / 4);
    await member.raiseFloor(200);
    await store.compact();
    // The one that is being written.
    expect(segments()).toBe(1);
    await member.check();
    await store.close();
    await member.open();
    await member.check();
    expect([store.floor.index, member.store.log.lastIndex]).toEqual([200, 200]);
    member.append(201, 1);
    await member.commit(201);
    await member.check();
    await member.store.close();
  });

  it('survives a disk that is full while it is written down', async () => {
    const member = await filled(60);
    const { vfs, store } = member;
    vfs.capacityBytes = vfs.usedBytes;
    await expect(member.raiseFloor(40)).rejects.toMatchObject({ code: 'DLE_DISK_FULL' });
    expect([store.floor.index, store.log.firstIndex]).toEqual([0, 1]);
    vfs.capacityBytes = Number.POSITIVE_INFINITY;
    await member.raiseFloor(40);
    expect([store.floor.index, store.log.firstIndex]).toEqual([40, 41]);
    await member.check();
    await store.close();
  });

  it('is kept where key directories are damaged or missing', async () => {
    const member = await filled(200);
    const { vfs } = member;
    await member.raiseFloor(150);
    await member.pass();
    await member.store.close();
    const directories = vfs.paths.filter((path) => path.endsWith('.directory'));
    expect(directories.length).toBeGreaterThan(6);
    for (const [place, path] of directories.entries()) {
      if (place % 3 === 0) await vfs.unlink(path);
      else if (place % 3 === 1) vfs.flipBit(path, 300, 3);
    }
    await member.open();
    await member.check();
    expect(member.store.log.firstIndex).toBe(151);
    await member.store.close();
  });

  it('belongs to a store of its kind', async () => {
    const member = await filled(60);
    await member.raiseFloor(60);
    await member.store.close();
    const opened = LogStore.open(DIRECTORY, { segmentSize: 4_096 }, member);
    await expect(opened).rejects.toMatchObject({ code: 'DLE_FORMAT' });
  });
});

describe('a key directory', () => {
  it('is not made of what a frame has replaced that may still be lost', async () => {
    let lost = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const member = new Member(seed);
      await member.open();
      const { log } = member.store;
      // Entries that are replaced lie at the end of a sealed segment, and in the one behind it.
      while (log.lastSegment < 2) member.append(log.lastIndex + 1, 1);
      const first = log.entries.segmentAt(log.lastIndex) === 2 ? log.lastIndex - 3 : 0;
      await member.store.flush();
      await member.commit(first - 1);
      member.store.apply(first - 1);
      const { term } = member.state.entries.at(-1)!;
      const builder = new EntryBatchBuilder(first, term + 1);
      builder.put(toBytes('key 00'), toBytes('of another leader'));
      builder.endEntry();
      log.append(builder.finish(), { replaces: true, durable: false });
      while (log.submitted < log.accepted) await new Promise(setImmediate);
      member.store.apply(first - 1);
      await member.pass(0);
      member.vfs.crash();
      await member.end();
      const store = await LogStore.open(DIRECTORY, REPLICATED, member);
      if (store.log.lastIndex > first) {
        lost++;
        const { lastIndex } = store.log;
        store.log.setCommit(lastIndex);
        store.apply(lastIndex);
        expect(await pairsOf(store)).toEqual(member.contentAt(lastIndex));
        await store.verify();
        expect(await pairsOf(store)).toEqual(member.contentAt(lastIndex));
      }
      await store.close();
    }
    expect(lost).toBeGreaterThan(0);
  });
});
