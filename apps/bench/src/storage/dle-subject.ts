import { LogStore } from '@dle/storage';
import { dleReads } from './dle-reads.js';
import { dleWrites } from './dle-writes.js';
import { BATCH_PUTS, Draws } from './draws.js';
import { fillStore, givenAs } from './fill-store.js';
import { anonymousBytes } from './process-memory.js';
import type { Subject, SubjectOptions } from './subject.js';

export interface OpenedStore {
  readonly openMs: number;
  readonly keys: number;
  /** Of memory, for the index; `undefined` where the store does not say. */
  readonly indexBytes: number | undefined;
  /** By how much the anonymous memory of the process has grown; `undefined` where unknown. */
  readonly anonymousBytes: number | undefined;
}

/** The store that all of this is about; it is given all keys as `keysAre`. */
export function dleSubject(
  { directory, keys }: SubjectOptions,
  keysAre: 'bytes' | 'text',
): Subject {
  const draws = new Draws(keys);
  let store: LogStore | undefined;
  const opened = (): LogStore => store!;
  const asGiven = (key: Buffer) => (keysAre === 'text' ? key.toString('latin1') : key);
  const open = async (): Promise<void> => {
    store = await LogStore.open(directory);
  };

  return {
    ...dleReads(opened, draws),
    ...dleWrites(opened, draws),
    open,
    fill: async () => {
      await open();
      await fillStore(opened(), givenAs(draws.inOrder(BATCH_PUTS), asGiven));
      draws.verify((key) => opened().getSync(asGiven(key)));
    },
    /** Opens, and tells all about it; the records may have been overwritten meanwhile. */
    'open-timed': async (): Promise<OpenedStore> => {
      const before = anonymousBytes();
      const began = performance.now();
      await open();
      const openMs = performance.now() - began;
      const after = anonymousBytes();
      const grown = before === undefined || after === undefined ? undefined : after - before;
      checkPresence(opened(), draws);
      return { openMs, ...indexOf(opened()), anonymousBytes: grown };
    },
    index: () => indexOf(opened()),
    close: () => opened().close(),
  };
}

function indexOf(store: LogStore): Pick<OpenedStore, 'keys' | 'indexBytes'> {
  const stats: { keys: number; indexBytes?: number } = store.stats();
  return { keys: stats.keys, indexBytes: stats.indexBytes };
}

function checkPresence(store: LogStore, draws: Draws): void {
  const { keys } = store.stats();
  if (keys !== draws.keys) throw new Error(`${keys} keys, not ${draws.keys}, are in the store`);
  for (const key of draws.byteKeys.slice(0, BATCH_PUTS)) {
    const value = store.getSync(key);
    if (value === undefined || !draws.values.some((one) => Buffer.compare(one, value) === 0)) {
      throw new Error('a record is not in the store as it was written');
    }
  }
}
