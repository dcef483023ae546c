import { DleError, isDleError } from '@dle/common';
import { MAX_BATCH_BYTES, MAX_ENTRY_RECORDS } from '../limits.js';
import type { EntryBatch } from '../log/entry-batch.js';
import { checkLengths, EntryBatchBuilder } from '../log/entry-batch-builder.js';
import type { Log } from '../log/log.js';
import { recordBytes } from '../log/record.js';
import { BatchBuffers } from './batch-buffers.js';
import { bytesOf } from './bytes-like.js';
import { checkRoom, type Room, withRoom } from './room.js';
import type { BatchOperation } from './types.js';

/** Entries of a standalone store are made in nobody's term. */
const NO_TERM = 0;

/** What a turn gathers beyond this goes to the log before the turn ends, in a batch of its own. */
const GATHER_BYTES = 1024 * 1024;

/** The writes of one turn: one batch, one append, one promise for all who wait. */
class WriteGroup {
  readonly promise: Promise<void>;
  readonly builder: EntryBatchBuilder;
  /** Whether it may have room that is set aside: it wins back more. */
  deletesOnly: boolean;
  /** Whether it counts once it is on the device, or once the operating system has it. */
  durable = false;
  /** Once it has been appended: what it holds, and the frame that holds the last of it. */
  batch: EntryBatch | undefined;
  sequence = 0;
  resolve!: () => void;
  reject!: (error: DleError) => void;

  constructor(builder: EntryBatchBuilder, deletesOnly: boolean) {
    this.builder = builder;
    this.deletesOnly = deletesOnly;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Gathers the writes of a standalone store, and answers them in groups once they count. */
export class GroupWriter {
  readonly #log: Log;
  readonly #apply: (batch: EntryBatch) => void;
  readonly #buffers = new BatchBuffers();
  #gathering: WriteGroup | undefined;
  /** Of the batch at hand, encoded; empty between two. */
  readonly #keys: Uint8Array[] = [];
  readonly #values: (Uint8Array | undefined)[] = [];
  /** Appended, in order, not yet applied. */
  #groups: WriteGroup[] = [];
  readonly #room: Room;
  /** The last append has met a full disk: deletes are kept apart from puts, so that they pass. */
  #isFull = false;

  /** `apply` is called for each batch, in order, when reads are to see it. */
  constructor(
    { log, room }: { readonly log: Log; readonly room: Room },
    apply: (batch: EntryBatch) => void,
  ) {
    this.#log = log;
    this.#room = room;
    this.#apply = apply;
    log.onSubmitted(() => this.#settle());
    log.onFlushed(() => this.#settle());
    log.onFailed((error) => this.#fail(error));
  }

  /**
   * Adds one entry of one change. The promise is shared by all writes of the turn. Throws what was
   * refused at once: `DLE_KEY_TOO_LARGE`, `DLE_VALUE_TOO_LARGE`, `DLE_STORAGE_POISONED`,
   * `DLE_CLOSED`.
   */
  writeOne(key: Uint8Array, value: Uint8Array | undefined, durable: boolean): Promise<void> {
    checkLengths(key.length, value?.length ?? 0);
    const bytes = recordBytes(key.length, value?.length ?? 0);
    const { builder } = this.#group(bytes, value === undefined);
    if (value === undefined) builder.delete(key);
    else builder.put(key, value);
    return this.#endEntry(durable);
  }

  /**
   * Adds one entry of many changes: all or nothing. Throws also `DLE_INVALID_ARGUMENT` if it is too
   * large.
   */
  writeMany(operations: readonly BatchOperation[], durable: boolean): Promise<void> {
    const values = this.#values;
    const keys = this.#keys;
    let bytes = 0;
    for (let at = 0; at < operations.length; at++) {
      const operation = operations[at]!;
      const key = bytesOf(operation.key);
      const value = operation.type === 'put' ? bytesOf(operation.value) : undefined;
      if (value === undefined && operation.type !== 'del') {
        const message = `an operation is a put or a del, not ${JSON.stringify(operation.type)}`;
        throw new DleError('DLE_INVALID_ARGUMENT', message);
      }
      checkLengths(key.length, value?.length ?? 0);
      bytes += recordBytes(key.length, value?.length ?? 0);
      keys[at] = key;
      values[at] = value;
    }
    const { length } = operations;
    if (length > MAX_ENTRY_RECORDS || bytes > MAX_BATCH_BYTES) {
      const limits = `at most ${MAX_ENTRY_RECORDS} operations and ${MAX_BATCH_BYTES} bytes are allowed`;
      const message = `a batch of ${length} operations and ${bytes} bytes; ${limits}`;
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    const { builder } = this.#group(
      bytes,
      values.every((value) => value === undefined),
    );
    for (let at = 0; at < length; at++) {
      const value = values[at];
      if (value === undefined) builder.delete(keys[at]!);
      else builder.put(keys[at]!, value);
    }
    keys.length = 0;
    values.length = 0;
    return this.#endEntry(durable);
  }

  /** Hands what the turn has gathered to the log. */
  append(): void {
    const group = this.#gathering;
    if (group === undefined) return;
    this.#gathering = undefined;
    try {
      group.batch = group.builder.finish();
      group.sequence = this.#place(group, group.batch);
      this.#groups.push(group);
    } catch (thrown) {
      group.reject(DleError.from(thrown));
    }
  }

  #place({ durable, deletesOnly }: WriteGroup, batch: EntryBatch): number {
    try {
      const append = () => this.#log.append(batch, { durable });
      const sequence = withRoom(this.#room, deletesOnly, append);
      if (!deletesOnly) this.#isFull = false;
      return sequence;
    } catch (thrown) {
      if (isDleError(thrown, 'DLE_DISK_FULL')) this.#isFull = true;
      throw thrown;
    }
  }

  /** The group that takes `bytes` more. */
  #group(bytes: number, isDelete: boolean): WriteGroup {
    this.#log.checkWritable();
    checkRoom(this.#room, bytes, isDelete);
    const present = this.#gathering;
    if (present !== undefined) {
      const fits = present.builder.length + bytes <= GATHER_BYTES;
      if (fits && (!this.#isFull || present.deletesOnly === isDelete)) {
        if (!isDelete) present.deletesOnly = false;
        return present;
      }
      this.append();
    }
    const buffer = this.#buffers.take(bytes);
    const builder = new EntryBatchBuilder(this.#log.lastIndex + 1, NO_TERM, buffer);
    this.#gathering = new WriteGroup(builder, isDelete);
    this.#log.schedule();
    return this.#gathering;
  }

  #endEntry(durable: boolean): Promise<void> {
    const group = this.#gathering!;
    group.builder.endEntry();
    if (durable) group.durable = true;
    return group.promise;
  }

  /** Applies, in order, what counts by now, and answers who waits for it. */
  #settle(): void {
    const { submitted, flushed } = this.#log;
    let done = 0;
    let failure: unknown;
    try {
      for (const group of this.#groups) {
        if (group.sequence > (group.durable ? flushed : submitted)) break;
        this.#apply(group.batch!);
        // Written, applied, and in nobody's hands any more.
        this.#buffers.give(group.batch!.bytes);
        done++;
      }
    } catch (thrown) {
      failure = thrown;
    }
    for (const group of this.#groups.splice(0, done)) group.resolve();
    // An older record could not be read: which of two is the newer nobody would know any more.
    if (failure !== undefined) this.#log.fail(failure);
  }

  #fail(error: DleError): void {
    for (const group of this.#groups.splice(0)) group.reject(error);
    // Refused, for the log takes nothing more: what it had not been given certainly has no effect.
    this.append();
  }
}
