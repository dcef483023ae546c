import { DleError } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { CompactionJob } from '../../src/compaction/compaction-job.js';
import type {
  Candidates,
  CompactionHost,
  CompactionOrder,
  CompactionOutput,
} from '../../src/compaction/compaction-order.js';
import { directoryName } from '../../src/directory/directory-format.js';
import { sortedName } from '../../src/directory/sorted-segment.js';
import { keyOf } from '../support/compacting.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';
import { openStore } from '../support/stores.js';

/** So many that they are asked about in more questions than are open at a time. */
const KEYS = 20_000;
const FIRST_OUTPUT = 0xabc000;
/** As the names of the files of outputs begin. */
const OUTPUT_PREFIX = sortedName(FIRST_OUTPUT).slice(0, 13);
const SEGMENT = 1024 * 1024;

interface Question {
  readonly candidates: Candidates;
  readonly resolve: (live: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** Answers when it is told to. */
class SlowHost implements CompactionHost {
  stopped = false;
  readonly open: Question[] = [];
  readonly outputs: CompactionOutput[] = [];
  asked = 0;
  looked = 0;
  #begun = 0;

  areLive(candidates: Candidates): Promise<Uint8Array> {
    this.asked++;
    return new Promise((resolve, reject) => this.open.push({ candidates, resolve, reject }));
  }

  begin(): Promise<{ id: number; slot: number }> {
    const id = FIRST_OUTPUT + this.#begun++;
    return Promise.resolve({ id, slot: id });
  }

  finished(output: CompactionOutput): Promise<void> {
    this.outputs.push(output);
    return Promise.resolve();
  }

  progress(bytes: number): void {
    this.looked = bytes;
  }

  /** Of the questions that are open, says of the one at `place` that every other record counts. */
  answer(place: number): void {
    const [{ candidates, resolve }] = this.open.splice(place, 1) as [Question];
    resolve(Uint8Array.from({ length: candidates.count }, (_, at) => at % 2));
  }

  async settled(): Promise<void> {
    for (let before = -1; before !== this.asked + this.looked; ) {
      before = this.asked + this.looked;
      await turns(30);
    }
  }
}

/** A store of one segment, closed, and the order to rewrite it. */
async function prepare(): Promise<{ machine: Machine; order: CompactionOrder }> {
  const machine = new Machine();
  const compaction = { automatic: false } as const;
  const store = await openStore(machine, { segmentSize: 4 * SEGMENT, compaction });
  const puts = Array.from({ length: KEYS }, (_, n) => {
    return { type: 'put' as const, key: keyOf(n), value: `value ${n}` };
  });
  await store.batch(puts);
  const { storeId } = store.log;
  await store.log.rollOver();
  await store.verify();
  await store.close();
  const order: CompactionOrder = {
    directory: DIRECTORY,
    storeId,
    inputs: [{ id: 1, kind: 'log', run: 0, slot: 0, firstIndex: 1 }],
    others: [],
    keepTombstones: false,
    run: 1,
    segmentBytes: SEGMENT / 4,
    seed: { low: 1, high: 2 },
    bytesPerSecond: 0,
  };
  return { machine, order };
}

async function outputsLeft({ vfs }: Machine): Promise<string[]> {
  return (await vfs.list(DIRECTORY)).filter((name) => name.startsWith(OUTPUT_PREFIX)).sort();
}

describe('a compaction job', () => {
  it('asks about the next records while the host has not answered yet, and writes all in order', async () => {
    const { machine, order } = await prepare();
    const host = new SlowHost();
    const run = new CompactionJob({ ...machine, host }, order).run();
    await host.settled();
    const ahead = host.open.length;
    expect(ahead).toBeGreaterThan(1);
    expect(host.looked).toBe(0);
    // What was asked last is answered first: nothing can be written yet.
    host.answer(ahead - 1);
    await host.settled();
    expect(host).toMatchObject({ asked: ahead, looked: 0 });
    let most = 0;
    for (let isDone = false; !isDone; ) {
      while (host.open.length > 0) host.answer(host.open.length - 1);
      const done = run.then(() => true);
      isDone = await Promise.race([done, host.settled().then(() => false)]);
      most = Math.max(most, host.open.length);
    }
    expect(most).toBeLessThanOrEqual(ahead);
    const outcome = await run;
    const kept = host.outputs.reduce((sum, { header }) => sum + header.keys, 0);
    expect(outcome).toMatchObject({ complete: true, dropped: KEYS - kept });
    expect(kept).toBeGreaterThan(KEYS / 2 - host.asked);
    expect(host.outputs.map(({ id }) => id)).toEqual(
      host.outputs.map((_, at) => FIRST_OUTPUT + at),
    );
    const from = host.outputs.flatMap(({ moves }) => [...moves.from.subarray(0, moves.count)]);
    // The keys were written in their order, and so their records lie.
    expect(from).toEqual([...from].sort((a, b) => a - b));
  });

  it('fails for a question that cannot be answered, whatever others are open, and leaves nothing unfinished', async () => {
    const { machine, order } = await prepare();
    const host = new SlowHost();
    const run = new CompactionJob({ ...machine, host }, order).run();
    const failure = run.catch((thrown: unknown) => thrown);
    await host.settled();
    host.answer(0);
    await host.settled();
    const [first, ...others] = host.open;
    for (const { reject } of others) reject(new DleError('DLE_CLOSED', 'it is closed'));
    first!.reject(new DleError('DLE_IO', 'it has failed'));
    expect(await failure).toMatchObject({ code: 'DLE_IO' });
    const finished = host.outputs.flatMap(({ id }) => [sortedName(id), directoryName(id)]);
    expect(await outputsLeft(machine)).toEqual(finished.sort());
  });

  it('ends when it is stopped, with questions open', async () => {
    const { machine, order } = await prepare();
    const host = new SlowHost();
    const run = new CompactionJob({ ...machine, host }, order).run();
    await host.settled();
    host.stopped = true;
    host.answer(0);
    expect(await run).toMatchObject({ complete: false, dropped: 0 });
    expect(host.open.length).toBeGreaterThan(0);
    expect(await outputsLeft(machine)).toHaveLength(host.outputs.length * 2);
  });
});
