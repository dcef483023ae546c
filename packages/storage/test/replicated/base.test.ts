import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBytes } from '@dle/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type BaseExport,
  type BaseImporter,
  type Floor,
  LogStore,
  type LogStoreOptions,
} from '../../src/index.js';
import { EntryBatchBuilder } from '../../src/internal.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { pairsOf } from '../support/pairs.js';
import { Member } from './member.js';

const OPTIONS: LogStoreOptions = {
  replicated: true,
  segmentSize: 4_096,
  compaction: { automatic: false, bytesPerSecond: 0 },
};
const refused = expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT', effect: 'none' });

/** A member with a past: replaced entries, files that compaction has made, a floor. */
async function source(actions = 120): Promise<Member> {
  const member = new Member(3);
  await member.open();
  for (let action = 0; action < actions; action++) await member.act();
  await member.settle();
  await member.commit(member.store.log.lastIndex);
  member.store.apply(member.store.log.lastIndex);
  return member;
}

function floorOf({ index, term, state }: BaseExport): Floor {
  return { index, term, state };
}

async function bring(base: BaseExport, importer: BaseImporter, maxBytes = 900): Promise<void> {
  while (!importer.isComplete) await importer.write(await base.read(importer.after, maxBytes));
}

/** A store that has been written to by another leader, and has voted. */
async function fill(store: LogStore): Promise<void> {
  const builder = new EntryBatchBuilder(1, 1);
  for (let key = 0; key < 20; key++) {
    builder.put(toBytes(`old ${key}`), toBytes('x'.repeat(300)));
    builder.endEntry();
  }
  store.log.append(builder.finish());
  store.log.setLocalState('vote', toBytes('term 7, for 2'));
  await store.flush();
  store.log.setCommit(20);
  store.apply(20);
}

async function expectAdopted(store: LogStore, base: BaseExport, content: object): Promise<void> {
  const { log, floor } = store;
  expect(floor).toEqual(floorOf(base));
  expect([log.firstIndex, log.lastIndex, log.commit]).toEqual([
    base.index + 1,
    base.index,
    base.index,
  ]);
  expect(store.appliedIndex).toBe(base.index);
  expect(log.termAt(base.index)).toBe(base.term);
  expect(await pairsOf(store)).toEqual(content);
  expect(Buffer.from(log.localState('vote')!).toString()).toBe('term 7, for 2');
  expect((await store.verify()).damage).toEqual([]);
}

describe('a base', () => {
  it('is what was there when it was made, whatever is written and compacted meanwhile', async () => {
    const member = await source();
    const { store } = member;
    const content = await pairsOf(store);
    const base = store.exportBase(toBytes('who votes'));
    expect([base.index, base.term]).toEqual([
      store.appliedIndex,
      store.log.termAt(store.appliedIndex),
    ]);
    const first = await base.read(undefined, 500);
    for (let action = 0; action < 100; action++) await member.act();
    await member.settle();
    await member.commit(store.log.lastIndex);
    store.apply(store.log.lastIndex);
    await member.raiseFloor(store.appliedIndex);
    await member.compact();
    expect(await base.read(undefined, 500)).toEqual(first);
    const machine = new Machine();
    const old = await LogStore.open(DIRECTORY, OPTIONS, machine);
    await fill(old);
    const { storeId } = old.log;
    const importer = await LogStore.beginImport(
      DIRECTORY,
      { storeId, floor: floorOf(base), segmentSize: 4_096 },
      machine,
    );
    await bring(base, importer);
    const localStates = old.log.localStates();
    await expect(importer.finish(localStates)).rejects.toMatchObject({ code: 'DLE_LOCKED' });
    await old.close();
    await importer.finish(localStates);
    const standalone = LogStore.open(DIRECTORY, { segmentSize: 4_096 }, machine);
    await expect(standalone).rejects.toEqual(refused);
    const adopted = await LogStore.open(DIRECTORY, OPTIONS, machine);
    expect(adopted.log.storeId).toBe(storeId);
    await expectAdopted(adopted, base, content);
    base.close();
    await expect(base.read(undefined, 500)).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    // The log goes on behind it, and so do floors and compaction.
    const builder = new EntryBatchBuilder(base.index + 1, base.term);
    builder.put(toBytes('new'), toBytes('value'));
    builder.endEntry();
    adopted.log.append(builder.finish());
    await adopted.flush();
    adopted.log.setCommit(base.index + 1);
    adopted.apply(base.index + 1);
    await adopted.setFloor({ index: base.index + 1, term: base.term, state: toBytes('later') });
    await adopted.compact();
    await adopted.close();
    const again = await LogStore.open(DIRECTORY, OPTIONS, machine);
    expect(await pairsOf(again)).toEqual(new Map([...content, ['new', 'value']]));
    expect((await again.verify()).damage).toEqual([]);
    expect(machine.vfs.paths.filter((path) => path.includes('import'))).toEqual([]);
    await again.close();
    await store.close();
  });

  it('takes no chunk twice, too early, damaged, or of another base', async () => {
    const member = await source();
    const base = member.store.exportBase(toBytes(''));
    const machine = new Machine();
    const options = { storeId: '0'.repeat(32), floor: floorOf(base) };
    const importer = await LogStore.beginImport(DIRECTORY, options, machine);
    const second = LogStore.beginImport(DIRECTORY, options, machine);
    await expect(second).rejects.toMatchObject({ code: 'DLE_LOCKED' });
    const first = await base.read(undefined, 600);
    const next = await base.read(first.next, 600);
    await expect(importer.write(next)).rejects.toEqual(refused);
    for (let byte = 0; byte < first.records.length; byte += 7) {
      const records = Uint8Array.from(first.records);
      records[byte]! ^= 4;
      await expect(importer.write({ ...first, records })).rejects.toMatchObject({
        code: expect.stringMatching(/^DLE_(CORRUPT|FORMAT)$/),
      });
    }
    await expect(importer.write({ ...first, next: toBytes('zz') })).rejects.toEqual(refused);
    await expect(importer.finish(new Map())).rejects.toEqual(refused);
    expect(importer.after).toBeUndefined();
    await importer.write(first);
    expect(importer.after).toEqual(first.next);
    await expect(importer.write(first)).rejects.toEqual(refused);
    await importer.write(next);
    await bring(base, importer);
    await expect(importer.write(next)).rejects.toEqual(refused);
    await importer.abandon();
    await expect(importer.write(first)).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    const low = { ...options, floor: { index: 1, term: 1, state: new Uint8Array(0) } };
    const other = await LogStore.beginImport(DIRECTORY, low, machine);
    await expect(other.write(await base.read(undefined, 1e6))).rejects.toMatchObject({
      code: 'DLE_CORRUPT',
    });
    await other.close();
    await member.store.close();
  });

  it('holds one record at least in a chunk, and is no base where nothing was applied', async () => {
    const member = await source();
    const base = member.store.exportBase(toBytes(''));
    let [after, records] = [undefined as Uint8Array | undefined, 0];
    for (; ; records++) {
      const chunk = await base.read(after, 1);
      if (chunk.next === undefined) break;
      after = chunk.next;
    }
    expect(records + 1).toBe((await pairsOf(member.store)).size);
    await expect(base.read(undefined, 0)).rejects.toEqual(refused);
    await member.store.close();
    await expect(base.read(undefined, 1)).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    const empty = await LogStore.open('/empty', OPTIONS, new Machine());
    expect(() => empty.exportBase(toBytes(''))).toThrow(refused);
    await empty.close();
  });

  it('may hold no key at all', async () => {
    const machine = new Machine();
    const store = await LogStore.open(DIRECTORY, OPTIONS, machine);
    const builder = new EntryBatchBuilder(1, 3);
    builder.delete(toBytes('nobody'));
    builder.endEntry();
    store.log.append(builder.finish());
    await store.flush();
    store.apply(1);
    const base = store.exportBase(toBytes('state'));
    const other = new Machine();
    const options = { storeId: 'a'.repeat(32), floor: floorOf(base) };
    const importer = await LogStore.beginImport(DIRECTORY, options, other);
    await bring(base, importer);
    await importer.finish(new Map([['vote', toBytes('term 7, for 2')]]));
    const adopted = await LogStore.open(DIRECTORY, OPTIONS, other);
    await expectAdopted(adopted, base, new Map());
    await adopted.close();
    await store.close();
  });

  it('replaces the store wherever the machine crashes, wholly or not at all', async () => {
    const member = await source(60);
    const content = await pairsOf(member.store);
    const base = member.store.exportBase(toBytes('who votes'));
    const [adoptions, old] = [new Set<boolean>(), new Map<string, string>()];
    for (let key = 0; key < 20; key++) old.set(`old ${key}`, 'x'.repeat(300));
    let resumed = 0;
    for (let at = 1, over = false; !over; at++) {
      const machine = new Machine(at);
      let finished = false;
      const run = async (plan: boolean): Promise<void> => {
        const store = await LogStore.open(DIRECTORY, OPTIONS, machine);
        if (store.floor.index > 0) return store.close();
        if (store.log.lastIndex === 0) await fill(store);
        if (plan) {
          const kind = at % 3 === 0 ? 'killAtOperation' : 'crashAtOperation';
          machine.vfs.plan({ [kind]: at });
        }
        const { storeId } = store.log;
        const options = { storeId, floor: floorOf(base), segmentSize: 4_096 };
        const importer = await LogStore.beginImport(DIRECTORY, options, machine);
        if (importer.after !== undefined) resumed++;
        await bring(base, importer);
        const localStates = store.log.localStates();
        await store.close();
        await importer.finish(localStates);
        finished = true;
        await (await LogStore.open(DIRECTORY, OPTIONS, machine)).close();
      };
      const outcome = await run(true).catch((thrown: unknown) => thrown);
      over = !machine.vfs.down;
      if (over) expect(outcome).toBeUndefined();
      machine.vfs.restart();
      const store = await LogStore.open(DIRECTORY, OPTIONS, machine);
      const isAdopted = store.floor.index > 0;
      adoptions.add(isAdopted);
      if (finished) expect(isAdopted).toBe(true);
      if (isAdopted) await expectAdopted(store, base, content);
      else if (store.appliedIndex === 20) {
        expect(await pairsOf(store)).toEqual(new Map([...old].sort()));
      }
      await store.close();
      await run(false);
      const last = await LogStore.open(DIRECTORY, OPTIONS, machine);
      await expectAdopted(last, base, content);
      await last.close();
    }
    expect(adoptions).toEqual(new Set([true, false]));
    expect(resumed).toBeGreaterThan(10);
    await member.store.close();
  }, 300_000);

  it('begins anew where files are gone of what had come', async () => {
    const member = await source();
    const base = member.store.exportBase(toBytes(''));
    const machine = new Machine();
    const options = { storeId: 'a'.repeat(32), floor: floorOf(base), segmentSize: 4_096 };
    const begun = await LogStore.beginImport(DIRECTORY, options, machine);
    await bring(base, begun);
    await begun.close();
    const [first] = machine.vfs.paths.filter((path) => path.endsWith('.sorted'));
    await machine.vfs.unlink(first!);
    const importer = await LogStore.beginImport(DIRECTORY, options, machine);
    expect(importer.isComplete).toBe(false);
    expect(importer.after).toBeUndefined();
    await bring(base, importer);
    await importer.finish(new Map([['vote', toBytes('term 7, for 2')]]));
    const adopted = await LogStore.open(DIRECTORY, OPTIONS, machine);
    await expectAdopted(adopted, base, await pairsOf(member.store));
    await adopted.close();
    await member.store.close();
  });

  it('goes on where the disk was full', async () => {
    const member = await source();
    const base = member.store.exportBase(toBytes(''));
    const machine = new Machine();
    const options = { storeId: 'a'.repeat(32), floor: floorOf(base), segmentSize: 4_096 };
    const importer = await LogStore.beginImport(DIRECTORY, options, machine);
    let times = 0;
    while (!importer.isComplete) {
      machine.vfs.capacityBytes = machine.vfs.usedBytes + 30_000;
      await bring(base, importer).catch((thrown: unknown) => {
        expect(thrown).toMatchObject({ code: 'DLE_DISK_FULL' });
        times++;
      });
    }
    machine.vfs.capacityBytes = Number.POSITIVE_INFINITY;
    expect(times).toBeGreaterThan(0);
    await importer.finish(new Map([['vote', toBytes('term 7, for 2')]]));
    const adopted = await LogStore.open(DIRECTORY, OPTIONS, machine);
    await expectAdopted(adopted, base, await pairsOf(member.store));
    await adopted.close();
    await member.store.close();
  });
});

describe('on a disk of the system', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dle-base-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('a base takes the place of a store', async () => {
    const member = await source();
    const base = member.store.exportBase(toBytes('who votes'));
    const place = join(directory, 'store');
    const old = await LogStore.open(place, OPTIONS);
    await fill(old);
    const { storeId } = old.log;
    const options = { storeId, floor: floorOf(base), segmentSize: 4_096 };
    let importer = await LogStore.beginImport(place, options);
    await importer.write(await base.read(undefined, 6_000));
    await importer.close();
    importer = await LogStore.beginImport(place, options);
    await bring(base, importer);
    const localStates = old.log.localStates();
    await expect(importer.finish(localStates)).rejects.toMatchObject({ code: 'DLE_LOCKED' });
    await old.close();
    await importer.finish(localStates);
    await expect(LogStore.beginImport(place, options)).rejects.toEqual(refused);
    const adopted = await LogStore.open(place, OPTIONS);
    await expectAdopted(adopted, base, await pairsOf(member.store));
    await adopted.close();
    // The machine has crashed before the marker went, and everything else was done.
    await writeFile(join(place, 'import.unfinished'), JSON.stringify({ step: 'install' }));
    const again = await LogStore.open(place, OPTIONS);
    await expectAdopted(again, base, await pairsOf(member.store));
    await again.close();
    expect(await readdir(place)).not.toContain('import.draft');
    await member.store.close();
  });
});
