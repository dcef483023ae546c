import { isDleError } from '@dle/common';
import { expect } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { DIRECTORY, type Machine } from './logs.js';
import { openStore, textOf } from './stores.js';

/** Files in memory are never mapped, so there is little that the addon could do differently. */
export const IS_THOROUGH: boolean = process.env.DLE_NATIVE !== 'require';
const WIDE_STEP = 16;

/** Files that hold nothing of the store. */
const OTHERS = ['lock', 'reserve'];

/** What became of a store in which one bit had changed, and of how many there were. */
export interface Outcomes {
  /** It was not opened. */
  refused: number;
  found: number;
  harmless: number;
}

/**
 * Changes one bit of every `step`th byte of the files of a store that holds `model`, which is
 * closed: never does it give wrong data, and always does it say which file it is and where. Only of
 * one byte in sixteen of files that are not `chosen`.
 */
export async function flipEverything(
  machine: Machine,
  model: ReadonlyMap<string, string>,
  { chosen = /./, step = 1 }: { readonly chosen?: RegExp; readonly step?: number } = {},
): Promise<Outcomes> {
  const names = (await machine.vfs.list(DIRECTORY)).filter((name) => !OTHERS.includes(name)).sort();
  const pristine = new Map(
    names.map((name) => [name, machine.vfs.contentOf(`${DIRECTORY}/${name}`)]),
  );
  const outcomes: Outcomes = { refused: 0, found: 0, harmless: 0 };
  for (const [name, content] of pristine) {
    const path = `${DIRECTORY}/${name}`;
    // The empty end of a segment or block is tried now and then, all else everywhere.
    const blank = content.lastIndexOf(content.findLast((byte) => byte !== 0)!) + 1;
    const stride = IS_THOROUGH && chosen.test(name) ? step : WIDE_STEP;
    for (let offset = 0; offset < content.length; offset += offset < blank ? stride : 509) {
      await restore(machine, pristine);
      machine.vfs.flipBit(path, offset, offset % 8);
      outcomes[await outcomeOf(machine, model, path, offset)]++;
    }
  }
  return outcomes;
}

async function outcomeOf(
  machine: Machine,
  model: ReadonlyMap<string, string>,
  path: string,
  offset: number,
): Promise<keyof Outcomes> {
  try {
    const store = await openStore(machine, { compaction: { automatic: false } });
    const damaged = expectTruth(store, model);
    const { damage, harmless } = await store.verify();
    await store.close();
    const where = [...damage, ...harmless].find(({ file }) => file === path);
    expect(where, `${path} at ${offset}`).toBeDefined();
    if (damaged > 0) expect(damage).toHaveLength(1);
    // The place, or the head of the piece under one checksum that holds it.
    expect(where!.offset).toBeLessThanOrEqual(offset);
    expect(where!.offset).toBeGreaterThan(offset - 16_384);
    return damage.length > 0 ? 'found' : 'harmless';
  } catch (thrown) {
    if (!isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')) throw thrown;
    expect(thrown.message).toContain(`${path} at byte`);
    return 'refused';
  }
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

/** Puts back the files as they were, and removes what has come since. */
async function restore({ vfs }: Machine, pristine: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const name of await vfs.list(DIRECTORY)) await vfs.unlink(`${DIRECTORY}/${name}`);
  for (const [name, content] of pristine) {
    const file = vfs.createSync(`${DIRECTORY}/${name}`);
    file.writeSync([content], 0);
    await file.close();
  }
}
