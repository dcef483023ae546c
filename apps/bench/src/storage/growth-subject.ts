import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LogStore } from '@dle/storage';
import { Draws } from './draws.js';
import { type Grown, Growth } from './growth.js';
import { StallMeter, type Stalls } from './stall-meter.js';
import type { Subject, SubjectOptions } from './subject.js';

export interface GrowthResult {
  /** Puts a second when nothing held them back. */
  readonly fullRate: number;
  readonly grown: Grown;
  readonly stalls: Stalls;
  /** How many keys there were when the longest turn of the event loop ended. */
  readonly longestAtKeys: number;
}

/** A store that grows from nothing at half load, in a process that looks for pauses. */
export function growthSubject({ directory, keys }: SubjectOptions): Subject {
  const draws = new Draws(1);

  /** Gives `work` a fresh store. */
  const withStore = async <Result>(
    name: string,
    work: (store: LogStore) => Promise<Result>,
  ): Promise<Result> => {
    const place = join(directory, name);
    mkdirSync(place);
    const store = await LogStore.open(place);
    try {
      return await work(store);
    } finally {
      await store.close();
      rmSync(place, { recursive: true });
    }
  };

  return {
    fill: () => {},
    close: () => {},
    /** The full rate is taken for so many milliseconds, twice: the first is for warming up. */
    grow: async (maxMs): Promise<GrowthResult> => {
      const limits = { keys, maxMs, rate: Number.POSITIVE_INFINITY, onTurn: () => {} };
      const full = () => withStore('full', (store) => new Growth(store, draws).run(limits));
      await full();
      const { keys: done, elapsedMs } = await full();
      const fullRate = (done / elapsedMs) * 1_000;
      globalThis.gc?.();
      return withStore('growing', (store) => growAt(store, draws, keys, fullRate));
    },
  };
}

async function growAt(
  store: LogStore,
  draws: Draws,
  keys: number,
  fullRate: number,
): Promise<GrowthResult> {
  const meter = new StallMeter();
  let longest = 0;
  let longestAtKeys = 0;
  meter.start();
  const grown = await new Growth(store, draws).run({
    keys,
    maxMs: Number.POSITIVE_INFINITY,
    rate: fullRate / 2,
    onTurn: () => {
      const now = meter.turn();
      if (now === longest) return;
      longest = now;
      longestAtKeys = store.stats().keys;
    },
  });
  return { fullRate, grown, stalls: meter.stop(), longestAtKeys };
}
