import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { crashStore, openStore, textOf } from '../support/stores.js';

type Model = Map<string, string>;

/** Writes until some segments are sealed and have their key directories; keys come again and go. */
async function fill(store: LogStore, model: Model, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i++) {
    const key = `key ${(i * 7) % 29}`;
    if (i % 5 === 4) {
      await store.del(key);
      model.delete(key);
    } else {
      const value = `${i}`.padEnd(i % 200, '.');
      await store.put(key, value);
      model.set(key, value);
    }
  }
}

function expectModel(store: LogStore, model: Model): void {
  expect(store.stats().keys).toBe(model.size);
  for (let i = 0; i < 29; i++) {
    expect(textOf(store.getSync(`key ${i}`))).toBe(model.get(`key ${i}`));
  }
}

async function filled(machine: Machine): Promise<Model> {
  const model: Model = new Map();
  const store = await openStore(machine);
  await fill(store, model, 0, 150);
  await store.close();
  return model;
}

const directories = async ({ vfs }: Machine): Promise<string[]> =>
  (await vfs.list(DIRECTORY)).filter((name) => name.endsWith('.directory')).sort();

describe('key directories', () => {
  it('are made for sealed segments, and read in their place', async () => {
    const machine = new Machine();
    const model = await filled(machine);
    const segments = await machine.segments();
    expect(await directories(machine)).toHaveLength(segments.length - 1);
    // A value in the first segment rots: a start that read it would refuse.
    const first = machine.vfs.contentOf(segments[0]!);
    machine.vfs.flipBit(segments[0]!, Buffer.from(first).indexOf('key ') + 5, 0);
    const store = await openStore(machine);
    expect(store.stats().directories).toMatchObject({
      loaded: segments.length - 1,
      damaged: 0,
      failed: 0,
    });
    expectModel(store, model);
    expect((await store.verify()).damage).toMatchObject([{ file: segments[0] }]);
    await store.close();
  });

  it('are made after a crash for segments that have none, and again where one is damaged', async () => {
    const machine = new Machine();
    const model = await filled(machine);
    const names = await directories(machine);
    await machine.vfs.unlink(`${DIRECTORY}/${names[0]}`);
    await machine.vfs.syncDirectory(DIRECTORY);
    // One with a damaged head, one with a damaged block.
    machine.vfs.flipBit(`${DIRECTORY}/${names[1]}`, 50, 3);
    machine.vfs.flipBit(`${DIRECTORY}/${names[2]}`, 200, 3);
    const store = await crashStore(machine);
    expectModel(store, model);
    const { damage, harmless } = await store.verify();
    expect(damage).toEqual([]);
    expect(harmless.map(({ file }) => file)).toEqual(
      names.slice(1, 3).map((name) => `${DIRECTORY}/${name}`),
    );
    expect(store.stats().directories).toMatchObject({ damaged: 2, built: 3, failed: 0 });
    await fill(store, model, 150, 40);
    await store.close();
    const again = await openStore(machine);
    expectModel(again, model);
    expect(again.stats().directories.loaded).toBe((await machine.segments()).length - 1);
    await again.close();
  });

  it('are not believed beside segments that they do not belong to', async () => {
    const machine = new Machine();
    const model = await filled(machine);
    const [first, second] = await directories(machine);
    const { vfs } = machine;
    // Somebody has put one in the place of another.
    const content = vfs.contentOf(`${DIRECTORY}/${second}`);
    await vfs.unlink(`${DIRECTORY}/${first}`);
    const file = vfs.createSync(`${DIRECTORY}/${first}`);
    file.writeSync([content], 0);
    await file.close();
    const store = await openStore(machine);
    expectModel(store, model);
    expect(store.stats().directories.damaged).toBe(1);
    await store.close();
  });

  it('leave nothing behind: drafts, and those of segments that are gone, are removed', async () => {
    const machine = new Machine();
    await filled(machine);
    const stale = ['00000000000000ff.directory', '0000000000000001.directory.tmp'];
    for (const name of stale) await machine.vfs.createSync(`${DIRECTORY}/${name}`).close();
    const store = await openStore(machine);
    const names = await machine.vfs.list(DIRECTORY);
    expect(names.filter((name) => stale.includes(name))).toEqual([]);
    await store.close();
  });

  it('that cannot be made on a full disk are missed by nobody, and made at the next start', async () => {
    const machine = new Machine();
    const model: Model = new Map();
    const store = await openStore(machine);
    await fill(store, model, 0, 40);
    await store.verify();
    // Room for a segment, and not for its directory of more than 16 KiB.
    machine.vfs.capacityBytes = machine.vfs.usedBytes + 2 * 4_096;
    await fill(store, model, 40, 30);
    await store.verify();
    expect(store.stats().directories.failed).toBeGreaterThan(0);
    expectModel(store, model);
    machine.vfs.capacityBytes = Number.POSITIVE_INFINITY;
    await store.close();
    const again = await openStore(machine);
    expectModel(again, model);
    await again.verify();
    expect(await directories(machine)).toHaveLength((await machine.segments()).length - 1);
    await again.close();
  });

  it('give what was there, whatever was written over whatever segments', async () => {
    const operation = fc.record({
      key: fc.string({ maxLength: 3 }),
      value: fc.option(fc.uint8Array({ maxLength: 900 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { minLength: 1, maxLength: 40 }), { maxLength: 4 }),
        async (lives) => {
          const machine = new Machine();
          const model = new Map<string, Uint8Array>();
          for (const operations of lives) {
            const store = await openStore(machine);
            for (const { key, value } of operations) {
              if (value === undefined) model.delete(key);
              else model.set(key, value);
              await (value === undefined ? store.del(key) : store.put(key, value));
            }
            await store.close();
          }
          const store = await openStore(machine);
          expect(store.stats().keys).toBe(model.size);
          for (const [key, value] of model) {
            expect(Buffer.compare(store.getSync(key)!, value)).toBe(0);
          }
          expect((await store.verify()).damage).toEqual([]);
          await store.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});
