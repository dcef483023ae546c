import { SeededRandom, toBytes } from '@dle/common';
import { type EntryBatch, EntryBatchBuilder, Log, type LogOptions } from '../../src/internal.js';
import { MemVfs, type MemVfsOptions } from '../../src/testing/index.js';
import { ManualClock } from './manual-clock.js';

export const DIRECTORY = '/log';

/** A machine in memory with one log on its disk. */
export class Machine {
  readonly clock: ManualClock = new ManualClock();
  readonly vfs: MemVfs;
  readonly random: SeededRandom;

  constructor(seed: number = 1, options: MemVfsOptions = {}) {
    this.random = new SeededRandom(seed);
    this.vfs = new MemVfs({ random: this.random, clock: this.clock }, options);
  }

  open(options: Partial<LogOptions> = {}): Promise<Log> {
    return Log.open(this, { directory: DIRECTORY, segmentSize: 4_096, ...options });
  }

  /** The machine crashes and starts again; the log is opened. */
  async crash(options: Partial<LogOptions> = {}): Promise<Log> {
    this.vfs.restart();
    return this.open(options);
  }

  async segments(): Promise<string[]> {
    const names = await this.vfs.list(DIRECTORY);
    return names
      .filter((name) => name.endsWith('.segment'))
      .sort()
      .map((name) => `${DIRECTORY}/${name}`);
  }
}

/** One entry of one put per value, under its own name. */
export function batchOf(firstIndex: number, term: number, ...values: string[]): EntryBatch {
  const builder = new EntryBatchBuilder(firstIndex, term);
  for (const value of values) {
    builder.put(toBytes(`key of ${value.slice(0, 8)}`), toBytes(value));
    builder.endEntry();
  }
  return builder.finish();
}

/** Values of the puts of the entries from 1 on. */
export async function valuesOf(log: Log): Promise<string[]> {
  if (log.lastIndex === 0) return [];
  const values: string[] = [];
  (await log.read(1, log.lastIndex)).forEachRecord((record) => {
    values.push(Buffer.from(record.value).toString());
  });
  return values;
}
