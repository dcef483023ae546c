import { concatBytes, DleError } from '@dle/common';
import { RECORD_HEADER_BYTES } from '../../log/record.js';
import type { OrderedReads } from '../../ordered/ordered-reads.js';
import type { Snapshot } from '../../ordered/types.js';

/** Records fetched at a time: what is fetched beyond a chunk is fetched again for the next. */
const FETCHED_AT_ONCE = 32;

/** A run of whole records, as they lie in the files of a store, by rising keys. */
export interface BaseChunk {
  /** It begins behind this key; `undefined`: with the first. */
  readonly after: Uint8Array | undefined;
  /** Puts with their indexes and checksums, one behind the other; empty if none are left. */
  readonly records: Uint8Array;
  /** The last key in it, behind which the next chunk begins; `undefined`: nothing follows. */
  readonly next: Uint8Array | undefined;
}

/**
 * The state of a replicated store after an entry, to be taken to another node while writes and
 * compaction go on. It costs nothing to make; while it is held, files that compaction has replaced
 * stay on the disk.
 */
export interface BaseExport {
  /** The last entry that it reflects, and its term. */
  readonly index: number;
  readonly term: number;
  /** As it was given to `exportBase`. */
  readonly state: Uint8Array;
  /** Bytes of all records together, roughly. */
  readonly bytes: number;
  /**
   * The records behind the key `after`, or from the first on: as many as `maxBytes` hold, and at
   * least one. Any of them can be asked for again, in any order. Rejects with `DLE_CLOSED`,
   * `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`, `DLE_INVALID_ARGUMENT`.
   */
  read(after: Uint8Array | undefined, maxBytes: number): Promise<BaseChunk>;
  /** Lets go of it. Idempotent. */
  close(): void;
}

export interface ExportedBase {
  readonly index: number;
  readonly term: number;
  readonly state: Uint8Array;
  readonly bytes: number;
}

export class StoreBaseExport implements BaseExport {
  readonly index: number;
  readonly term: number;
  readonly state: Uint8Array;
  readonly bytes: number;
  readonly #ordered: OrderedReads;
  readonly #snapshot: Snapshot;

  /** Takes the snapshot, which is that of `base`, over. */
  constructor(ordered: OrderedReads, snapshot: Snapshot, base: ExportedBase) {
    this.index = base.index;
    this.term = base.term;
    this.state = base.state;
    this.bytes = base.bytes;
    this.#ordered = ordered;
    this.#snapshot = snapshot;
  }

  async read(after: Uint8Array | undefined, maxBytes: number): Promise<BaseChunk> {
    if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
      const message = `a chunk holds a whole number of bytes from 1, not ${String(maxBytes)}`;
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    const range = after === undefined ? {} : { gt: after };
    const options = { ...range, snapshot: this.#snapshot };
    const iterator = this.#ordered.iterator<Uint8Array>(options, 'records');
    try {
      const taken: Uint8Array[] = [];
      let bytes = 0;
      for (;;) {
        const fetched = await iterator.nextv(FETCHED_AT_ONCE);
        if (fetched.length === 0) return chunkOf(after, taken, true);
        for (const record of fetched) {
          if (taken.length > 0 && bytes + record.length > maxBytes) {
            return chunkOf(after, taken, false);
          }
          taken.push(record);
          bytes += record.length;
        }
      }
    } finally {
      await iterator.close();
    }
  }

  close(): void {
    this.#snapshot.close();
  }
}

function chunkOf(
  after: Uint8Array | undefined,
  records: readonly Uint8Array[],
  isLast: boolean,
): BaseChunk {
  const next = isLast ? undefined : keyOf(records.at(-1)!);
  return { after, records: concatBytes(records), next };
}

function keyOf(record: Uint8Array): Uint8Array {
  const length = new DataView(record.buffer, record.byteOffset).getUint16(6, true);
  return record.slice(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + length);
}
