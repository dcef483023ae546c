import { join } from 'node:path';
import { type Clock, isDleError, systemRandom } from '@dle/common';
import { abandonBase, isStoreName, Log, type Vfs } from '@dle/storage/internal';
import { readRecord, removeRecord, writeRecord } from './durable-file.js';

/** Says that a repair is under way, and what is to come of it. */
const MARKER = 'repair';
/** The damaged files are kept here until the node is whole again. */
const ASIDE_DIRECTORY = 'damaged';
/** First the damaged files go, then an empty store takes their place, then it catches up. */
type Step = 'aside' | 'fresh' | 'catchUp';

/** The store that a damaged node goes on with. */
export interface FreshStore {
  /** Of the damaged one: the node stays who it is. */
  readonly storeId: string;
  /** Its local states: those of a node that has lost data. */
  readonly states: ReadonlyMap<string, Uint8Array>;
}

interface Marker {
  readonly step: Step;
  /** What is damaged, for people. */
  readonly damage: string;
  readonly storeId: string;
  /** Values in base64. */
  readonly states: readonly (readonly [string, string])[];
  /**
   * Whether the damaged files are kept. Not those of a repair that did not come to its end: what
   * was set aside first holds more.
   */
  readonly keeps: boolean;
}

export interface FreshStoreComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
}

/**
 * Sets the files of the damaged store in `directory`, which nobody may have open, aside, and puts
 * an empty one in its place, unless it is later than `until` by the clock: then nothing is done.
 * Whether it was. A crash in it is gone on from by `finishFreshStore`. Rejects with `DLE_IO`,
 * `DLE_DISK_FULL`, `DLE_LOCKED`.
 */
export async function beginFreshStore(
  components: FreshStoreComponents,
  directory: string,
  store: FreshStore,
  damage: string,
  until: number,
): Promise<boolean> {
  const { vfs, clock } = components;
  await vfs.makeDirectory(directory);
  const states = Array.from(store.states, ([key, value]) => {
    return [key, Buffer.from(value).toString('base64')] as const;
  });
  if (clock.now() > until) return false;
  const keeps = (await vfs.list(join(directory, ASIDE_DIRECTORY))).length === 0;
  await mark(vfs, directory, { step: 'aside', damage, storeId: store.storeId, states, keeps });
  await finishFreshStore(components, directory);
  return true;
}

/**
 * Does what is left of a repair that was interrupted. What was damaged, if the store there still
 * has to catch up; `undefined`: it is whole.
 */
export async function finishFreshStore(
  components: FreshStoreComponents,
  directory: string,
): Promise<string | undefined> {
  try {
    return await goOn(components, directory);
  } catch (thrown) {
    if (!isDleError(thrown, 'DLE_DISK_FULL')) throw thrown;
    await dropSetAside(components.vfs, directory);
    return goOn(components, directory);
  }
}

async function goOn(
  components: FreshStoreComponents,
  directory: string,
): Promise<string | undefined> {
  const { vfs } = components;
  const record = await readRecord(vfs, directory, MARKER);
  if (record === undefined) return undefined;
  let marker = record as unknown as Marker;
  if (marker.step === 'aside') {
    await setAside(vfs, directory, marker.keeps);
    marker = { ...marker, step: 'fresh' };
    await mark(vfs, directory, marker);
  }
  if (marker.step === 'fresh') {
    await makeEmptyStore(components, directory, marker);
    await mark(vfs, directory, { ...marker, step: 'catchUp', states: [] });
  }
  return marker.damage;
}

/** The node is whole again: what was damaged is of no use any more. */
export async function endFreshStore(vfs: Vfs, directory: string): Promise<void> {
  await dropSetAside(vfs, directory);
  await vfs.removeDirectory(join(directory, ASIDE_DIRECTORY));
  await removeRecord(vfs, directory, MARKER);
}

/** The damaged files are given up: the others can do without them, and space is needed. */
export async function dropSetAside(vfs: Vfs, directory: string): Promise<void> {
  const aside = join(directory, ASIDE_DIRECTORY);
  for (const name of await vfs.list(aside)) await vfs.unlink(join(aside, name));
}

function mark(vfs: Vfs, directory: string, marker: Marker): Promise<void> {
  return writeRecord(vfs, directory, MARKER, marker);
}

async function setAside(vfs: Vfs, directory: string, keeps: boolean): Promise<void> {
  const aside = join(directory, ASIDE_DIRECTORY);
  const lock = await vfs.lock(directory);
  try {
    await vfs.makeDirectory(aside);
    // One that was to be adopted, and could not be.
    await abandonBase(vfs, directory);
    for (const name of (await vfs.list(directory)).filter(isStoreName)) {
      const path = join(directory, name);
      if (keeps) await vfs.rename(path, join(aside, name));
      else await vfs.unlink(path);
    }
    await vfs.syncDirectory(aside);
    await vfs.syncDirectory(directory);
  } finally {
    await lock.release();
  }
}

/** Durable when it resolves; can be repeated. */
async function makeEmptyStore(
  { vfs, clock }: FreshStoreComponents,
  directory: string,
  { storeId, states }: Marker,
): Promise<void> {
  for (const name of (await vfs.list(directory)).filter(isStoreName)) {
    await vfs.unlink(join(directory, name));
  }
  await vfs.syncDirectory(directory);
  // Nothing is drawn: it has the id of the one before.
  const log = await Log.open({ vfs, clock, random: systemRandom }, { directory, storeId });
  try {
    for (const [key, value] of states) {
      log.setLocalState(key, new Uint8Array(Buffer.from(value, 'base64')));
    }
    await log.whenFlushed(log.accepted);
  } finally {
    await log.close();
  }
}
