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

export interface CompactionComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly host: CompactionHost;
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
  readonly #batch = new CandidateBatch();
  readonly #older: OlderKeys;
  readonly #pace: Pace;
  #output: Output | undefined;
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
      if (this.#host.stopped) return false;
      await this.#rewriteBatch();
    }
    await this.#rewriteBatch();
    await this.#finishOutput();
    return !this.#host.stopped;
  }

  /** Writes what counts of the batch. */
  async #rewriteBatch(): Promise<void> {
    const batch = this.#batch;
    if (batch.count === 0) return;
    const live = await this.#host.areLive(batch.candidates());
    let bytes = 0;
    const kept: number[] = [];
    for (let at = 0; at < batch.count; at++) {
      bytes += batch.bytesAt(at);
      const counts = batch.isDelete(at) ? await this.#mustStay(at) : live[at] === 1;
      if (counts) kept.push(at);
    }
    await this.#rewriteAll(kept);
    this.#bytesLooked += bytes;
    this.#host.progress(this.#bytesLooked);
    batch.clear();
    await this.#output?.writer.flushSome();
    await this.#pace.keep(this.#bytesLooked + this.#bytesWritten);
    await new Promise<void>((resolve) => this.#clock.defer(resolve));
  }

  /** Whether the delete at `at` of the batch hides a record that lies somewhere else. */
  #mustStay(at: number): boolean | Promise<boolean> {
    if (this.#order.keepTombstones) return true;
    return this.#older.holds(this.#batch.keyAt(at), this.#batch.indexAt(at));
  }

  /** Writes the records at `places` of the batch: as many as can be read together at a time. */
  async #rewriteAll(places: readonly number[]): Promise<void> {
    const batch = this.#batch;
    const inputs = this.#inputs;
    for (let from = 0; from < places.length; ) {
      const end = from + inputs.readGroup(batch, places, from);
      if (end === from) {
        const at = places[from++]!;
        const output = this.#outputFor(at) ?? (await this.#nextOutput());
        const record = inputs.read(batch.positionAt(at), batch.expectedAt(at));
        this.#rewrite(output, at, record);
      }
      for (let start = 0; from < end; from++) {
        const at = places[from]!;
        const output = this.#outputFor(at) ?? (await this.#nextOutput());
        const next = start + batch.bytesAt(at);
        this.#rewrite(output, at, inputs.group!.bytes.subarray(start, next));
        start = next;
      }
    }
  }

  /** Where the record at `at` of the batch goes; `undefined`: into the next one. */
  #outputFor(at: number): Output | undefined {
    const output = this.#output;
    const isFull =
      output !== undefined &&
      output.writer.size + this.#batch.bytesAt(at) > this.#order.segmentBytes;
    return isFull ? undefined : output;
  }

  async #nextOutput(): Promise<Output> {
    await this.#finishOutput();
    this.#output = await this.#beginOutput();
    return this.#output;
  }

  #rewrite(output: Output, at: number, record: Uint8Array): void {
    const batch = this.#batch;
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

  async #finishOutput(): Promise<void> {
    const output = this.#output;
    if (output === undefined) return;
    const header = await output.writer.finish();
    this.#output = undefined;
    const { tombstoneBytes } = output;
    const moves = output.moves.finish();
    await this.#host.finished({ id: header.segment, header, moves, tombstoneBytes });
  }
}

/** Whether a job has failed because an input is damaged. */
export function isInputDamage(thrown: unknown): boolean {
  return isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT');
}
