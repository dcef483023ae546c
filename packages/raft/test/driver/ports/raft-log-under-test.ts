import { type Clock, SeededRandom, systemClock } from '@dle/common';
import { LogStore, type LogStoreComponents } from '@dle/storage';
import { recordBytes } from '@dle/storage/internal';
import { MemVfs } from '@dle/storage/testing';
import { type LogProposal, RaftLog } from '../../../src/index.js';
import type { FaultyLogUnderTest, LogUnderTest } from '../../../src/testing/index.js';

const KEY = new Uint8Array(0);
/** Small, so that a case fills some of them, and reads from the device. */
const OPTIONS = { replicated: true, segmentSize: 16 * 1024, tailCacheBytes: 8 * 1024 };

/** A `RaftLog` in `directory`; `dispose` is called when its store is closed. */
export function fileLog(
  directory: string,
  dispose: () => Promise<void>,
): LogUnderTest<LogProposal> {
  return underTest(directory, () => ({}), dispose).subject;
}

/** A `RaftLog` on a disk in memory that can be made to fail. */
export function memoryLog(): FaultyLogUnderTest<LogProposal> {
  const random = new SeededRandom(1);
  const vfs = new MemVfs({ random, clock: systemClock });
  let clock = mortalClock();
  const components = (): LogStoreComponents => ({ vfs, random, clock });
  const { subject, forget } = underTest('/log', components, async () => {});
  return {
    ...subject,
    crash: async () => {
      forget();
      clock.die();
      clock = mortalClock();
      vfs.restart();
    },
    fill: () => {
      vfs.capacityBytes = 0;
    },
    free: () => {
      vfs.capacityBytes = Number.POSITIVE_INFINITY;
    },
    failFlush: () => vfs.plan({ failFlush: 1 }),
  };
}

function underTest(
  directory: string,
  components: () => LogStoreComponents,
  dispose: () => Promise<void>,
): { readonly subject: LogUnderTest<LogProposal>; readonly forget: () => void } {
  let store: LogStore | undefined;
  const close = async (): Promise<void> => {
    const open = store;
    store = undefined;
    await open?.close();
  };
  const subject: LogUnderTest<LogProposal> = {
    open: async () => {
      store = await LogStore.open(directory, OPTIONS, components());
      return appliedLog(store);
    },
    close,
    propose: (payload) => ({
      bytes: recordBytes(KEY.length, payload.length),
      write: (builder) => builder.put(KEY, payload),
    }),
    dispose: async () => {
      await close();
      await dispose();
    },
  };
  const forget = (): void => {
    store = undefined;
  };
  return { subject, forget };
}

/** What is purged was applied before. */
function appliedLog(store: LogStore): RaftLog {
  const log = new RaftLog(store);
  const purge = log.purge.bind(log);
  log.purge = (base) => {
    store.apply(base.index);
    purge(base);
  };
  return log;
}

/** The clock of a process that may be killed: what that has set then never comes. */
function mortalClock(): Clock & { die(): void } {
  let isAlive = true;
  const ifAlive = (callback: () => void) => (): void => {
    if (isAlive) callback();
  };
  return {
    now: () => systemClock.now(),
    setTimer: (callback, delayMs) => systemClock.setTimer(ifAlive(callback), delayMs),
    defer: (callback) => systemClock.defer(ifAlive(callback)),
    die: () => {
      isAlive = false;
    },
  };
}
