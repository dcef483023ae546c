import { isDleError, randomBelow, SeededRandom, toBytes } from '@dle/common';
import { expect, it } from 'vitest';
import { type EntryBatch, EntryBatchBuilder, Log, Namespace } from '../../src/internal.js';
import { MemVfs } from '../../src/testing/index.js';
import { ManualClock } from '../support/manual-clock.js';

const SEEDS = Number(process.env.DLE_SEEDS ?? 200);
const FIRST_SEED = Number(process.env.DLE_SEED ?? 1);
const LIVES = 4;
const OPTIONS = { directory: '/log', segmentSize: 4_096, tailCacheBytes: 2_048 };

/** What a log holds: its entries, as term and value, and its local state. */
interface State {
  readonly entries: readonly string[];
  readonly local: Readonly<Record<string, string>>;
}

/**
 * One call that changed the log. A batch may be torn between frames, so every part of it is a
 * state, too.
 */
interface Step {
  readonly states: readonly State[];
  /** 0: what was recovered, which is flushed. */
  readonly sequence: number;
}

/** A log and a dumb model of it, driven by one seed. */
class Run {
  readonly #random: SeededRandom;
  /** Of this life: what the last one has left to do never comes. */
  #clock = new ManualClock();
  readonly vfs: MemVfs;
  #steps: Step[] = [{ states: [{ entries: [], local: {} }], sequence: 0 }];
  #flushed = 0;
  #submitted = 0;
  /** Up to here the next life finds everything, unless its machine crashes in turn. */
  #survived = 0;
  #commit = 0;
  #term = 1;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.vfs = new MemVfs({ random: this.#random, clock: this.#clock });
  }

  below(bound: number): number {
    return randomBelow(this.#random, bound);
  }

  /**
   * Opens the log and holds it against the model, until the machine crashes or enough has been
   * written.
   */
  async live(writes: number): Promise<void> {
    this.#clock = new ManualClock();
    const seen: { commit: number; value: string }[] = [];
    const log = await Log.open(
      { vfs: this.vfs, clock: this.#clock, random: this.#random },
      OPTIONS,
      {
        recovered: (entries) => {
          if (entries.commit === 0) return;
          entries.visit(entries.commit, entries.commit, (batch, index) => {
            seen.push({ commit: index, value: describeEntries(batch.slice(index, index))[0]! });
          });
        },
      },
    );
    const state = await this.#compare(log);
    for (const { commit, value } of seen) expect(state.entries[commit - 1]).toBe(value);
    log.onFlushed((sequence) => {
      this.#flushed = sequence;
    });
    log.onSubmitted((sequence) => {
      this.#submitted = sequence;
    });
    for (let write = 0; write < writes && log.failure === undefined; write++) await this.#act(log);
    if (this.below(2) === 0) await log.close();
  }

  /**
   * Ends this life: now and then only the process dies, and nothing that it has written is lost.
   */
  end(): void {
    const killed = !this.vfs.down && this.below(2) === 0;
    this.#survived = killed ? this.#submitted : 0;
    if (killed) this.vfs.kill();
    this.vfs.restart();
  }

  async #act(log: Log): Promise<void> {
    const last = this.#steps.at(-1)!.states.at(-1)!;
    const choice = this.below(10);
    if (choice < 5) this.#append(log, last, log.lastIndex + 1);
    else if (choice < 6 && log.lastIndex > log.commit) {
      this.#append(log, last, log.commit + 1 + this.below(log.lastIndex - log.commit));
    } else if (choice < 7) {
      const [key, value] = [`key ${this.below(3)}`, `${this.#random.nextUint32()}`];
      const sequence = log.setLocalState(key, toBytes(value));
      this.#steps.push({ states: [{ ...last, local: { ...last.local, [key]: value } }], sequence });
    } else if (choice < 8) {
      this.#commit = log.commit + this.below(log.lastIndex - log.commit + 1);
      log.setCommit(this.#commit);
    } else if (choice < 9) {
      // A poisoned log rejects; the loop ends then.
      await log.whenFlushed(log.accepted).catch(() => {});
    } else {
      this.#clock.pass(200);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #append(log: Log, last: State, first: number): void {
    const replaces = first <= log.lastIndex;
    if (replaces || this.below(6) === 0) this.#term++;
    const builder = new EntryBatchBuilder(first, this.#term);
    const count = 1 + this.below(4);
    for (let entry = 0; entry < count; entry++) {
      const value = toBytes(`${this.#random.nextUint32()}`.repeat(1 + this.below(90)));
      if (this.below(5) === 0) builder.opaque(Namespace.consensus, toBytes('opaque'), value);
      else builder.put(toBytes('key'), value);
      builder.endEntry();
    }
    const batch = builder.finish();
    const sequence = log.append(batch, { replaces, durable: this.below(3) > 0 });
    const kept = last.entries.slice(0, first - 1);
    const added = describeEntries(batch);
    const states = added.map((_, place) => {
      return { ...last, entries: [...kept, ...added.slice(0, place + 1)] };
    });
    this.#steps.push({ states, sequence });
  }

  /**
   * Finds the state that the log has recovered: none before what was flushed, none that never was.
   */
  async #compare(log: Log): Promise<State> {
    const entries = log.lastIndex === 0 ? [] : describeEntries(await log.read(1, log.lastIndex));
    const found = JSON.stringify(entries);
    const safe = Math.max(this.#flushed, this.#survived);
    const flushed = this.#steps.findLastIndex(({ sequence }) => sequence <= safe);
    const possible = this.#steps
      .slice(flushed)
      .flatMap((step, place) => (place === 0 ? step.states.slice(-1) : step.states));
    const state = possible.find(
      (each) => JSON.stringify(each.entries) === found && sameLocalState(each.local, log),
    );
    if (state === undefined)
      throw new Error(`${entries.length} entries that never were, or too few`);
    expect(log.commit).toBeLessThanOrEqual(Math.min(this.#commit, log.lastIndex));
    const opaque = entries.flatMap((entry, place) => (entry.includes('opaque') ? [place + 1] : []));
    expect(log.opaqueIndexes()).toEqual(opaque);
    this.#steps = [{ states: [state], sequence: 0 }];
    this.#flushed = 0;
    this.#submitted = 0;
    this.#commit = log.commit;
    return state;
  }
}

function sameLocalState(local: Readonly<Record<string, string>>, log: Log): boolean {
  return [0, 1, 2].every((number) => {
    const value = log.localState(`key ${number}`);
    return local[`key ${number}`] === (value && Buffer.from(value).toString());
  });
}

function describeEntries(batch: EntryBatch): string[] {
  const entries: string[] = [];
  batch.forEachRecord(({ term, key, value }) => {
    entries.push(`${term} ${Buffer.from(key)} ${Buffer.from(value)}`);
  });
  return entries;
}

/** Lives until the machine crashes, as planned. */
async function liveAndCrash(run: Run, writes: number): Promise<void> {
  try {
    await run.live(writes);
  } catch (thrown) {
    if (!run.vfs.down || !isDleError(thrown)) throw thrown;
  }
  run.end();
}

async function named(seed: number, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (cause) {
    throw new Error(`seed ${seed}: DLE_SEED=${seed} DLE_SEEDS=1 shows it again`, { cause });
  }
}

it(`recovers a state that was, and no older one than was flushed (${SEEDS} seeds)`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    await named(seed, async () => {
      const run = new Run(seed);
      for (let life = 0; life < LIVES; life++) {
        if (run.below(3) > 0) run.vfs.plan({ crashAtOperation: 1 + run.below(80) });
        // Now and then nothing comes after recovery that would flush what it has left undone.
        await liveAndCrash(run, run.below(3) === 0 ? 0 : 40);
      }
      await run.live(0);
    });
  }
});

it('does so wherever the machine crashes, in recovery too', async () => {
  const seeds = Math.ceil(SEEDS / 60);
  for (let seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
    await named(seed, async () => {
      for (let operation = 1, over = false; !over; operation++) {
        const run = new Run(seed);
        await liveAndCrash(run, 25);
        run.vfs.plan({ crashAtOperation: operation });
        await liveAndCrash(run, 10);
        over = run.vfs.operations < operation;
        await run.live(0);
      }
    });
  }
});
