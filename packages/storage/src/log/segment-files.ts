import { join } from 'node:path';
import { DleError } from '@dle/common';
import { systemCode } from '../vfs/system-error.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { segmentName } from './segment-header.js';

/**
 * Handles open for reading at a time: however many segments there are, the process has descriptors
 * left.
 */
const MAX_OPEN_FILES = 64;

interface OpenFile {
  readonly file: VfsFile;
  lastUse: number;
}

/**
 * The segment files of a directory, or others that belong to segments, opened for reading when
 * they are needed, closed when others are.
 */
export class SegmentFiles {
  readonly #vfs: Vfs;
  readonly #directory: string;
  readonly #nameOf: (segment: number) => string;
  readonly #open = new Map<number, OpenFile>();
  /** Names of files that are not called as segments of the log are. */
  readonly #names = new Map<number, string>();
  #uses = 0;
  #closed = false;

  /** `nameOf`: how a file is called, unless another name was given it. */
  constructor(vfs: Vfs, directory: string, nameOf: (segment: number) => string = segmentName) {
    this.#vfs = vfs;
    this.#directory = directory;
    this.#nameOf = nameOf;
  }

  pathOf(segment: number): string {
    return join(this.#directory, this.#names.get(segment) ?? this.#nameOf(segment));
  }

  /** The file of `segment` has this name. */
  name(segment: number, name: string): void {
    this.#names.set(segment, name);
  }

  /** The file of `segment`; good until the next call. Throws `DLE_IO`, `DLE_CLOSED`. */
  get(segment: number): VfsFile {
    let open = this.#open.get(segment);
    if (open === undefined) {
      if (this.#closed) throw new DleError('DLE_CLOSED', `${this.#directory} is closed`);
      if (this.#open.size >= MAX_OPEN_FILES) this.#closeOldest();
      open = { file: this.#openSparing(segment), lastUse: 0 };
      this.#open.set(segment, open);
    }
    open.lastUse = ++this.#uses;
    return open.file;
  }

  /** Where the process has no descriptors left, those that were used longest ago are given up. */
  #openSparing(segment: number): VfsFile {
    for (;;) {
      try {
        return this.open(segment);
      } catch (thrown) {
        const code = systemCode((thrown as Error).cause);
        if ((code !== 'EMFILE' && code !== 'ENFILE') || this.#open.size === 0) throw thrown;
        this.#closeOldest();
      }
    }
  }

  /** A handle of its own, to be closed by who asks for it. Throws `DLE_IO`. */
  open(segment: number): VfsFile {
    return this.#vfs.openSync(this.pathOf(segment), { readOnly: true });
  }

  /** Closes the file of a segment that is to be unlinked. */
  async forget(segment: number): Promise<void> {
    const open = this.#open.get(segment);
    this.#open.delete(segment);
    this.#names.delete(segment);
    await open?.file.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map(({ file }) => file.close()));
  }

  #closeOldest(): void {
    let oldest: number | undefined;
    let lastUse = Number.POSITIVE_INFINITY;
    for (const [segment, open] of this.#open) {
      if (open.lastUse >= lastUse) continue;
      oldest = segment;
      lastUse = open.lastUse;
    }
    const { file } = this.#open.get(oldest!)!;
    this.#open.delete(oldest!);
    // Reads under way are waited for; that closing a file that was only read fails changes nothing.
    file.close().catch(() => {});
  }
}
