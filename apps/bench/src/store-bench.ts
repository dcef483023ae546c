import type { Durability, LogStore } from '@dle/storage';
import { drive, type Operate, type Round, race } from './drive.js';
import { type BenchComponents, inTurns, type Outcome } from './in-turns.js';
import type { RawDisk } from './raw-disk.js';
import { Operations, type Records, seededRandom } from './workload.js';

export const ROUNDS = 5;
export const WRITES_IN_FLIGHT = 256;
const WARM_UP_OPERATIONS = 20_000;

export interface StoreBenchComponents extends BenchComponents {
  readonly store: LogStore;
  readonly disk: RawDisk;
  readonly records: Records;
}

/** A store in this process, beside a plain file; a round has as many operations as records. */
export class StoreBench {
  readonly #components: StoreBenchComponents;

  constructor(components: StoreBenchComponents) {
    this.#components = components;
  }

  /** Writes all records in their order, and looks whether they are there. */
  async fill(): Promise<void> {
    const { store, records, progress } = this.#components;
    progress('filling the store');
    await this.#driveStore(this.#draw('sequential', 100), 'none', records.count);
    await store.flush();
    for (let at = 0; at < records.count; at++) {
      const value = store.getSync(records.key(at));
      if (value === undefined || Buffer.compare(value, records.value(at)) !== 0) {
        throw new Error(`record ${at} is not in the store as it was written`);
      }
    }
  }

  async reads(order: 'sequential' | 'uniform'): Promise<Outcome<Round>> {
    const { disk } = this.#components;
    const operations = this.#draw(order, 0);
    const onStore = this.#onStore(operations, 'flush');
    const onDisk: Operate = (at) => {
      disk.read(operations.record(at));
      return undefined;
    };
    return inTurns(this.#components, {
      name: `${order} reads`,
      subject: (count: number) => this.#timeReads(onStore, count),
      limit: (count: number) => this.#timeReads(onDisk, count),
      ...this.#sizes(),
    });
  }

  /** `writes` per cent are writes, others reads. The disk's groups are as large as the store's. */
  async writes(writes: number, durability: Durability): Promise<Outcome<Split>> {
    const { store, disk } = this.#components;
    const operations = this.#draw('uniform', writes);
    const flushes = durability === 'flush';
    let group = 1;
    return inTurns(this.#components, {
      name: `${writes} % writes, durability ${durability}`,
      subject: async (count: number) => {
        const before = store.stats();
        const round = await this.#driveStore(operations, durability, count);
        const after = store.stats();
        const groups = flushes ? after.flushes - before.flushes : after.frames - before.frames;
        const both = split(operations, round);
        group = Math.max(1, Math.round(both.writes.latenciesMs.length / Math.max(1, groups)));
        await store.flush();
        return both;
      },
      limit: async (count: number) => {
        const round = disk.run(operations, { count, group, flushes });
        disk.flush();
        return split(operations, round);
      },
      ...this.#sizes(),
    });
  }

  /** Without a clock for the throughput, then with one for the latencies: it costs time too. */
  async #timeReads(operate: Operate, count: number): Promise<Round> {
    const { signal } = this.#components;
    const elapsedMs = race(operate, count);
    const { latenciesMs } = await drive(operate, { inFlight: 1, count, signal });
    return { elapsedMs, latenciesMs };
  }

  #driveStore(operations: Operations, durability: Durability, count: number): Promise<Round> {
    const { signal } = this.#components;
    const operate = this.#onStore(operations, durability);
    return drive(operate, { inFlight: WRITES_IN_FLIGHT, count, signal });
  }

  #onStore(operations: Operations, durability: Durability): Operate {
    const { store, records } = this.#components;
    const options = { durability };
    return (at) => {
      const key = records.key(operations.record(at));
      if (operations.isWrite(at)) return store.put(key, records.value(at), options);
      if (store.getSync(key) === undefined) throw new Error('a record is gone from the store');
      return undefined;
    };
  }

  #draw(order: 'sequential' | 'uniform', writes: number): Operations {
    const { count } = this.#components.records;
    return new Operations(seededRandom(), { count, records: count, order, writes });
  }

  #sizes() {
    const { count } = this.#components.records;
    return { warmUp: Math.min(WARM_UP_OPERATIONS, count), round: count, rounds: ROUNDS };
  }
}

/** One round, and what its reads and its writes were by themselves. */
export interface Split {
  readonly all: Round;
  readonly reads: Round;
  readonly writes: Round;
}

function split(operations: Operations, all: Round): Split {
  const pick = (writes: boolean): Round => ({
    elapsedMs: all.elapsedMs,
    latenciesMs: all.latenciesMs.filter((_, at) => operations.isWrite(at) === writes),
  });
  return { all, reads: pick(false), writes: pick(true) };
}
