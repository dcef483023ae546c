import { type Clock, isDleError } from '@dle/common';
import { DONE, TypescriptMerge } from '../directory/block-merge.js';
import { positionOf } from '../key-index/position.js';
import type { Vfs } from '../vfs/vfs.js';
import { CandidateBatch } from './candidate-batch.js';
import type { CompactionHost, CompactionOrder, CompactionOutcome } from './compaction-order.js';
import { JobInputs } from './job-inputs.js';
import { MoveList } from './move-list.js';
import { OlderKeys } from './older-keys.js';
import { Pace } from './pace.js';
import { SortedWriter } from './sorted-writer.js';

/** So many records are asked about at a time. */
const BATCH = 2_048;
/**
 * So many questions are open while a batch is written: the host answers in its own time, which is
 * once in a turn of the event loop.
 */
const OPEN_QUESTIONS = 3;

export interface CompactionComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly host: CompactionHost;
}

/** Records of which the host has been asked which count. */
interface AskedBatch {
  readonly batch: CandidateBatch;
  readonly live: Promise<Uint8Array>;
}

/** An output that is being written, and where its records lay. */
interface Output {
  readonly slot: number;
  readonly writer: SortedWriter;
  readonly moves: MoveList;
  tombstoneBytes: number;
}

/**
 * Rewrites what counts of some sealed files into sorted segments with disjoint keys. It knows
 * nothing of what is going on meanwhile: whether a record still counts is for the host to say, and
 * so is what becomes of the outputs. It removes nothing but what it has not finished. Runs in a
 * thread of its own or, in small steps, in the one that serves. Throws `DLE_CORRUPT` (naming the
 * damaged input), `DLE_DISK_FULL`, `DLE_IO`; outputs that were finished before stay.
 */
export class CompactionJob {
  readonly #vfs: Vfs;
  readonly #clock: Clock;
  readonly #host: CompactionHost;
  readonly #order: CompactionOrder;
  readonly #inputs: JobInputs;
  /** Is being filled. */
  #batch = new CandidateBatch();
  /** The oldest first. */
  readonly #asked: AskedBatch[] = [];
  /** Have been used. */
  readonly #spare: CandidateBatch[] = [];
  readonly #older: OlderKeys;
  readonly #pace: Pace;
  #output: Output | undefined;
  /** The output before is being made durable, while the next one is written. */
  #finishing: Promise<void> | undefined;
  #kept = 0;
  #bytesWritten = 0;
  #bytesLooked = 0;

  constructor({ vfs, clock, host }: CompactionComponents, order: CompactionOrder) {
    this.#vfs = vfs;
    this.#clock = clock;
    this.#host = host;
    this.#order = order;
    this.#inputs = new JobInputs(vfs, order);
    this.#older = new OlderKeys(vfs, order.directory, order.others);
    this.#pace = new Pace(clock, order.bytesPerSecond);
  }

  async run(): Promise<CompactionOutcome> {
    try {
      const complete = await this.#merge();
      const { keys, bytesRead } = this.#inputs;
      const dropped = complete ? keys - this.#kept : 0;
      return { complete, dropped, bytesRead, bytesWritten: this.#bytesWritten };
    } finally {
      await this.#finishing?.catch(() => undefined);
      await this.#output?.writer.discard();
      await this.#inputs.close();
      await this.#older.close();
    }
  }

  /** Whether it has come to the end. */
  async #merge(): Promise<boolean> {
    const { seed } = this.#order;
    const inputs = this.#inputs;
    const merge = new TypescriptMerge((entry, place, slot) => {
      this.#batch.add(slot, inputs.firstIndexOf(place) + entry.relativeIndex, entry, seed);
    });
    await inputs.prepare();
    for (let place = 0; place < inputs.count; place++) await inputs.fill(merge, place);
    for (let place = merge.run(); place !== DONE; place = merge.run()) {
      await inputs.fill(merge, place);
      if (this.#batch.count < BATCH) continue;
      this.#ask();
      if (this.#asked.length <= OPEN_QUESTIONS) await this.#pause();
      else if (this.#host.stopped) return false;
      else await this.#rewriteOldest();
    }
    this.#ask();
    while (this.#asked.length > 0) {
      if (this.#host.stopped) return false;
      await this.#rewriteOldest();
    }
    await this.#finishOutput();
    await this.#finishing;
    return !this.#host.stopped;
  }

  /** Asks about the batch, and begins another one. */
  #ask(): void {
    const batch = this.#batch;
    if (batch.count === 0) return;
    const live = this.#host.areLive(batch.candidates());
    // Who waits for it is told; if the job fails before, that is nobody.
    live.catch(() => undefined);
    this.#asked.push({ batch, live });
    this.#batch = this.#spare.pop() ?? new CandidateBatch();
  }

  /** Writes what counts of the batch that was asked about first. */
  async #rewriteOldest(): Promise<void> {
    const { batch, live: answer } = this.#asked.shift()!;
    const live = await answer;
    let bytes = 0;
    const kept: number[] = [];
    for (let at = 0; at < batch.count; at++) {
      bytes += batch.bytesAt(at);
      const counts = batch.isDelete(at) ? await this.#mustStay(batch, at) : live[at] === 1;
      if (counts) kept.push(at);
    }
    await this.#rewriteAll(batch, kept);
    this.#bytesLooked += bytes;
    this.#host.progress(this.#bytesLooked);
    batch.clear();
    this.#spare.push(batch);
    await this.#output?.writer.flushSome();
    await this.#pace.keep(this.#bytesLooked + this.#bytesWritten);
    await this.#pause();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.defer(resolve));
  }

  /** Whether the delete at `at` of the batch hides a record that lies somewhere else. */
  #mustStay(batch: CandidateBatch, at: number): boolean | Promise<boolean> {
    if (this.#order.keepTombstones) return true;
    return this.#older.holds(batch.keyAt(at), batch.indexAt(at));
  }

  /** Writes the records at `places` of the batch: as many as can be read together at a time. */
  async #rewriteAll(batch: CandidateBatch, places: readonly number[]): Promise<void> {
    const inputs = this.#inputs;
    for (let from = 0; from < places.length; ) {
      const end = from + inputs.readGroup(batch, places, from);
      if (end === from) {
        const at = places[from++]!;
        const output = this.#outputFor(batch, at) ?? (await this.#nextOutput());
        const record = inputs.read(batch.positionAt(at), batch.expectedAt(at));
        this.#rewrite(output, batch, at, record);
      }
      for (let start = 0; from < end; from++) {
        const at = places[from]!;
        const output = this.#outputFor(batch, at) ?? (await this.#nextOutput());
        const next = start + batch.bytesAt(at);
        this.#rewrite(output, batch, at, inputs.group!.bytes.subarray(start, next));
        start = next;
      }
    }
  }

  /** Where the record at `at` of the batch goes; `undefined`: into the next one. */
  #outputFor(batch: CandidateBatch, at: number): Output | undefined {
    const output = this.#output;
    const isFull =
      output !== undefined && output.writer.size + batch.bytesAt(at) > this.#order.segmentBytes;
    return isFull ? undefined : output;
  }

  async #nextOutput(): Promise<Output> {
    await this.#finishOutput();
    this.#output = await this.#beginOutput();
    return this.#output;
  }

  #rewrite(output: Output, batch: CandidateBatch, at: number, record: Uint8Array): void {
    const bytes = batch.bytesAt(at);
    const { writer, moves, slot } = output;
    const offset = writer.size;
    writer.add(record, batch.entryAt(at, offset));
    this.#kept++;
    this.#bytesWritten += bytes;
    if (batch.isDelete(at)) output.tombstoneBytes += bytes;
    else moves.add(batch.hashAt(at), batch.positionAt(at), positionOf(slot, offset), bytes);
  }

  async #beginOutput(): Promise<Output> {
    const { directory, storeId, run } = this.#order;
    const { id, slot } = await this.#host.begin();
    const { firstIndex } = this.#inputs;
    const writer = new SortedWriter(this.#vfs, { directory, storeId, id, run, firstIndex });
    return { slot, writer, moves: new MoveList(), tombstoneBytes: 0 };
  }

  /** Has the output made durable and counted, beside what goes on; one at a time. */
  async #finishOutput(): Promise<void> {
    await this.#finishing;
    const output = this.#output;
    if (output === undefined) return;
    this.#output = undefined;
    this.#finishing = this.#finish(output);
    // Whoever comes next is told.
    this.#finishing.catch(() => undefined);
  }

  async #finish({ writer, moves, tombstoneBytes }: Output): Promise<void> {
    const header = await writer.finish().catch(async (thrown: unknown) => {
      await writer.discard();
      throw thrown;
    });
    const { segment: id } = header;
    await this.#host.finished({ id, header, moves: moves.finish(), tombstoneBytes });
  }
}

/** Whether a job has failed because an input is damaged. */
export function isInputDamage(thrown: unknown): boolean {
  return isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT');
}
