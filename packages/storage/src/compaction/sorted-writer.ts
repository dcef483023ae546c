import { join } from 'node:path';
import { allocate } from '../bytes.js';
import type { KeyEntry } from '../directory/block-builder.js';
import { BLOCK_BYTES } from '../directory/directory-block.js';
import { DirectoryEncoder } from '../directory/directory-encoder.js';
import {
  DIRECTORY_HEADER_BYTES,
  type DirectoryHeader,
  directoryName,
  encodeDirectoryHeader,
} from '../directory/directory-format.js';
import {
  encodeSortedHeader,
  SORTED_HEADER_BYTES,
  sortedCheckpoint,
  sortedName,
} from '../directory/sorted-segment.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';

/** Written with one call. */
const PIECE_BYTES = 1024 * 1024;
/**
 * What has been written is flushed in steps, or else one large flush at the end would hold up
 * those of the log for as long as it takes.
 */
const FLUSH_BYTES = 4 * 1024 * 1024;

export interface SortedOptions {
  readonly directory: string;
  readonly storeId: string;
  readonly id: number;
  readonly run: number;
  /** No record of a lower index will come. */
  readonly firstIndex: number;
}

/**
 * Writes a sorted segment and its key directory. Nobody reads either before `finish` has resolved,
 * and until the manifest names the segment, they are what a crash leaves behind.
 */
export class SortedWriter {
  readonly #vfs: Vfs;
  readonly #options: SortedOptions;
  readonly #file: VfsFile;
  readonly #directory: VfsFile;
  readonly #encoder: DirectoryEncoder;
  #piece: Uint8Array = allocate(PIECE_BYTES);
  #pieceEnd = 0;
  /** Bytes of the segment that have been written. */
  #written: number = SORTED_HEADER_BYTES;
  #unflushed = 0;
  #flushing: Promise<void> | undefined;
  #directoryEnd = DIRECTORY_HEADER_BYTES;
  #records = 0;
  #lastIndex = 0;

  /** Throws `DLE_DISK_FULL`, `DLE_IO`. */
  constructor(vfs: Vfs, options: SortedOptions) {
    this.#vfs = vfs;
    this.#options = options;
    const { directory, id } = options;
    this.#file = vfs.createSync(join(directory, sortedName(id)));
    this.#directory = vfs.createSync(join(directory, directoryName(id)));
    this.#encoder = new DirectoryEncoder(id, options.firstIndex);
  }

  /** Bytes of the segment so far: where the next record will lie. */
  get size(): number {
    return this.#written + this.#pieceEnd;
  }

  get records(): number {
    return this.#records;
  }

  /** Adds a record, whose key is above all before. */
  add(record: Uint8Array, entry: KeyEntry): void {
    const block = this.#encoder.add(entry);
    if (block !== undefined) this.#writeBlock(block);
    if (this.#pieceEnd + record.length > this.#piece.length) this.#writePiece(record.length);
    this.#piece.set(record, this.#pieceEnd);
    this.#pieceEnd += record.length;
    this.#records++;
    this.#lastIndex = Math.max(this.#lastIndex, entry.index);
  }

  /**
   * Begins to flush, if enough has been written since the last time, and goes on beside that: one
   * flush at a time is under way. Throws what has become of the one before.
   */
  async flushSome(): Promise<void> {
    if (this.#unflushed < FLUSH_BYTES) return;
    this.#unflushed = 0;
    await this.#flushing;
    const flushing = this.#file.datasync();
    // Whoever waits for it is told; that may be nobody.
    flushing.catch(() => undefined);
    this.#flushing = flushing;
  }

  /** Both files, and their names, are durable when it resolves. */
  async finish(): Promise<DirectoryHeader> {
    this.#writePiece(0);
    const { id, run, storeId, firstIndex, directory } = this.#options;
    const head = encodeSortedHeader({ id, run, records: this.#records, firstIndex, storeId });
    this.#file.writeSync([head], 0);
    for (const block of this.#encoder.finish()) this.#writeBlock(block);
    const header: DirectoryHeader = {
      ...sortedCheckpoint(id, storeId, this.#written, this.#lastIndex),
      ...this.#encoder.counts,
      sorted: true,
      firstIndex,
    };
    this.#directory.writeSync([encodeDirectoryHeader(header)], 0);
    await this.#flushing;
    // Nobody looks for either before both are there.
    await Promise.all([this.#file.datasync(), this.#directory.datasync()]);
    await this.#file.close();
    await this.#directory.close();
    await this.#vfs.syncDirectory(directory);
    return header;
  }

  /** Removes what has been written, as far as that can be done. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    await this.#directory.close().catch(() => undefined);
    const { directory, id } = this.#options;
    await this.#vfs.unlink(join(directory, sortedName(id))).catch(() => undefined);
    await this.#vfs.unlink(join(directory, directoryName(id))).catch(() => undefined);
  }

  #writeBlock(block: Uint8Array): void {
    this.#directory.writeSync([block], this.#directoryEnd);
    this.#directoryEnd += BLOCK_BYTES;
  }

  /** Makes room for `needed` bytes. */
  #writePiece(needed: number): void {
    if (this.#pieceEnd > 0) {
      this.#file.writeSync([this.#piece.subarray(0, this.#pieceEnd)], this.#written);
      this.#written += this.#pieceEnd;
      this.#unflushed += this.#pieceEnd;
      this.#pieceEnd = 0;
    }
    if (needed > this.#piece.length) this.#piece = allocate(needed);
  }
}
