import { allocate } from '../bytes.js';
import { offsetOf } from '../key-index/position.js';
import type { ReadRecordsBinding } from '../native/read-records.js';
import type { VfsFile } from '../vfs/vfs.js';
import type { CandidateBatch } from './candidate-batch.js';

/** Read with one call: a few milliseconds. */
const GROUP_BYTES = 1024 * 1024;
const GROUP_RECORDS = 1_024;
/** Files of one group: fewer than are kept open. */
const GROUP_FILES = 32;

/** Where records are read from: a file, or a piece of it that has been read. */
export interface RecordSource {
  readonly file: VfsFile;
  readonly piece: Uint8Array | undefined;
  /** Of the piece in the file. */
  readonly start: number;
}

/**
 * Reads records of a batch in C, some at a time. Measured: of a job that rewrites small records,
 * the calls to read them one by one took half of the time, and to verify them a tenth.
 */
export class RecordGroup {
  readonly #binding: ReadRecordsBinding;
  readonly #sources = new Int32Array(GROUP_RECORDS);
  readonly #offsets = new Float64Array(GROUP_RECORDS);
  readonly #places = new Uint32Array(GROUP_RECORDS);
  /** Those that were read last, one after the other. */
  readonly bytes: Uint8Array = allocate(GROUP_BYTES);

  constructor(binding: ReadRecordsBinding) {
    this.#binding = binding;
  }

  /**
   * Reads records at `places` of `batch`, from the one at `from` on; how many of them. 0: the next
   * one is large, or damaged, or in a file that is none of the system. `sourceOf`: in what so many
   * bytes at a position lie.
   */
  read(
    batch: CandidateBatch,
    places: readonly number[],
    from: number,
    sourceOf: (position: number, bytes: number) => RecordSource,
  ): number {
    const files = new Set<VfsFile>();
    const buffers: Uint8Array[] = [];
    let count = 0;
    let bytes = 0;
    for (; count < GROUP_RECORDS && from + count < places.length; count++) {
      const place = places[from + count]!;
      const position = batch.positionAt(place);
      const length = batch.bytesAt(place);
      bytes += length;
      if (bytes > GROUP_BYTES) break;
      const { file, piece, start } = sourceOf(position, length);
      if (file.descriptor === undefined) break;
      if (piece === undefined && files.add(file).size > GROUP_FILES) break;
      const buffer = piece === undefined ? 0 : placeIn(buffers, piece);
      if (buffer === GROUP_FILES) break;
      this.#sources[count] = piece === undefined ? file.descriptor : -1 - buffer;
      this.#offsets[count] = offsetOf(position) - start;
      this.#places[count] = place;
    }
    const { lengths, indexes, keys, keyEnds } = batch.columns;
    return this.#binding.readRecords(
      this.#sources,
      buffers,
      this.#offsets,
      this.#places,
      count,
      lengths,
      indexes,
      keys,
      keyEnds,
      this.bytes,
    );
  }
}

/** Where a piece is among others, to which it is added if there is room. */
function placeIn(pieces: Uint8Array[], piece: Uint8Array): number {
  const place = pieces.lastIndexOf(piece);
  if (place >= 0 || pieces.length === GROUP_FILES) return place >= 0 ? place : GROUP_FILES;
  return pieces.push(piece) - 1;
}
