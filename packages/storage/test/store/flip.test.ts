import { isDleError } from '@dle/common';
import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { openStore, textOf } from '../support/stores.js';

/** Some segments, most of them with key directories; overwritten and deleted keys among them. */
async function fill(machine: Machine): Promise<Map<string, string>> {
  const store = await openStore(machine);
  const model = new Map<string, string>();
  for (let i = 0; i < 36; i++) {
    const key = `key ${i % 17}`;
    const value = `${i}`.padEnd(90 + (i % 90), '.');
    if (i % 7 === 6) {
      await store.del(key);
      model.delete(key);
    } else {
      await store.put(key, value);
      model.set(key, value);
    }
  }
  await store.close();
  return model;
}

/** Every read gives what was written, or says that it is damaged. How many did. */
function expectTruth(store: LogStore, model: ReadonlyMap<string, string>): number {
  let damaged = 0;
  const target = new Uint8Array(4_096);
  for (let i = 0; i < 25; i++) {
    const key = `key ${i}`;
    const reads: (() => string | undefined)[] = [
      () => textOf(store.getSync(key)),
      () => textOf(store.getView(key)),
      () => {
        const length = store.getInto(key, target);
        return length < 0 ? undefined : textOf(target.subarray(0, length));
      },
    ];
    for (const read of reads) {
      try {
        expect(read()).toBe(model.get(key));
      } catch (thrown) {
        if (!isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')) throw thrown;
        damaged++;
      }
    }
  }
  return damaged;
}

/** Files in memory are never mapped, so there is little that the addon could do differently. */
const STEP = process.env.DLE_NATIVE === 'require' ? 16 : 1;

describe('a store in which any one byte has changed', () => {
  it('never gives wrong data, and says which file it is and where', async () => {
    const machine = new Machine();
    const model = await fill(machine);
    const names = (await machine.vfs.list(DIRECTORY))
      .filter((name) => name !== 'lock' && name !== 'reserve')
      .sort();
    expect(names.filter((name) => name.endsWith('.directory')).length).toBeGreaterThan(1);
    const pristine = new Map(
      names.map((name) => [name, machine.vfs.contentOf(`${DIRECTORY}/${name}`)]),
    );
    const outcomes = { refused: 0, found: 0, harmless: 0 };
    for (const [name, content] of pristine) {
      const path = `${DIRECTORY}/${name}`;
      // The empty end of a segment or block is tried now and then, all else everywhere.
      const blank = content.lastIndexOf(content.findLast((byte) => byte !== 0)!) + 1;
      for (let offset = 0; offset < content.length; offset += offset < blank ? STEP : 509) {
        await restore(machine, pristine);
        machine.vfs.flipBit(path, offset, offset % 8);
        try {
          const store = await openStore(machine);
          const damaged = expectTruth(store, model);
          const { damage, harmless } = await store.verify();
          await store.close();
          const where = [...damage, ...harmless].find(({ file }) => file === path);
          expect(where, `${name} at ${offset}`).toBeDefined();
          if (damaged > 0) expect(damage).toHaveLength(1);
          // The place, or the head of the piece under one checksum that holds it.
          expect(where!.offset).toBeLessThanOrEqual(offset);
          expect(where!.offset).toBeGreaterThan(offset - 16_384);
          if (damage.length > 0) outcomes.found++;
          else outcomes.harmless++;
        } catch (thrown) {
          if (!isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')) throw thrown;
          expect(thrown.message).toContain(`${path} at byte`);
          outcomes.refused++;
        }
      }
    }
    expect(outcomes.refused).toBeGreaterThan(0);
    expect(outcomes.found).toBeGreaterThan(0);
    expect(outcomes.harmless).toBeGreaterThan(0);
  }, 300_000);
});

/** Puts back the files as they were, and removes what has come since. */
async function restore({ vfs }: Machine, pristine: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const name of await vfs.list(DIRECTORY)) await vfs.unlink(`${DIRECTORY}/${name}`);
  for (const [name, content] of pristine) {
    const file = vfs.createSync(`${DIRECTORY}/${name}`);
    file.writeSync([content], 0);
    await file.close();
  }
}
