import { join } from 'node:path';
import { corrupt } from '../errors.js';
import { ChunkReader } from '../log/chunk-reader.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import type { CareOptions } from './types.js';

const STEP_BYTES = 1024 * 1024;
/** Flushed in steps, or else one large flush would hold up those of the log for long. */
const FLUSH_BYTES = 4 * 1024 * 1024;

/** A file that is to be in the target. */
export interface WantedFile {
  readonly name: string;
  /** So many of its bytes, from the first on. */
  readonly bytes: number;
  /** What follows on those in the target. */
  readonly tail?: Uint8Array;
  /** Whether nobody writes to it any more, so that both may share it. */
  readonly canBeLinked: boolean;
}

/** How many files have come to the target, and how. */
export interface Copied {
  linkedFiles: number;
  copiedFiles: number;
  keptFiles: number;
  bytes: number;
}

/** Brings files of one directory into another: what is there, and right, is kept. */
export class FileCopier {
  readonly counters: Copied = { linkedFiles: 0, copiedFiles: 0, keptFiles: 0, bytes: 0 };
  readonly #vfs: Vfs;
  readonly #from: string;
  readonly #to: string;
  readonly #options: CareOptions;
  readonly #totalBytes: number;

  constructor(
    vfs: Vfs,
    { from, to }: { readonly from: string; readonly to: string },
    totalBytes: number,
    options: CareOptions,
  ) {
    this.#vfs = vfs;
    this.#from = from;
    this.#to = to;
    this.#totalBytes = totalBytes;
    this.#options = options;
  }

  /**
   * Its content is durable when it resolves, and has been read back; its name is once the directory
   * is flushed. `isThere`: a file of this name is in the target. Rejects with `DLE_CORRUPT`,
   * `DLE_DISK_FULL`, `DLE_IO`, or the reason of the signal.
   */
  async bring(wanted: WantedFile, isThere: boolean): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const { vfs, source, target } = { ...this.#paths(wanted.name), vfs: this.#vfs };
    if (isThere) {
      if (await this.#isRight(wanted)) {
        this.counters.keptFiles++;
        return this.#done(sizeOf(wanted));
      }
      await vfs.unlink(target);
    }
    if (wanted.canBeLinked && (await vfs.link(source, target))) {
      this.counters.linkedFiles++;
      return this.#done(sizeOf(wanted));
    }
    await this.#copy(wanted);
    this.counters.copiedFiles++;
  }

  async #isRight(wanted: WantedFile): Promise<boolean> {
    const { source, target } = this.#paths(wanted.name);
    return this.#with(source, target, async (from, to) => {
      if (to.size() !== sizeOf(wanted)) return false;
      if (from.identity() === to.identity()) return wanted.canBeLinked;
      if ((await this.#differsAt(wanted, from, to)) !== undefined) return false;
      // Somebody may have written it who did not come to flush it.
      await to.datasync();
      return true;
    });
  }

  async #copy(wanted: WantedFile): Promise<void> {
    const { source, target } = this.#paths(wanted.name);
    await this.#vfs.createSync(target).close();
    await this.#with(source, target, async (from, to) => {
      let unflushed = 0;
      for await (const { offset, bytes } of this.#pieces(wanted, from)) {
        to.writeSync([bytes], offset);
        unflushed += bytes.length;
        this.#done(bytes.length);
        if (unflushed < FLUSH_BYTES) continue;
        unflushed = 0;
        await to.datasync();
      }
      await to.datasync();
      const differsAt = await this.#differsAt(wanted, from, to);
      if (differsAt === undefined) return;
      throw corrupt({ name: target, offset: 0 }, differsAt, 'what was written reads otherwise');
    });
  }

  /** Where in the target the first piece lies that is not as it should be. */
  async #differsAt(wanted: WantedFile, from: VfsFile, to: VfsFile): Promise<number | undefined> {
    const reader = new ChunkReader(to);
    for await (const { offset, bytes } of this.#pieces(wanted, from)) {
      if (Buffer.compare(await reader.read(offset, bytes.length), bytes) !== 0) return offset;
    }
    return undefined;
  }

  async *#pieces(
    { bytes: length, tail }: WantedFile,
    from: VfsFile,
  ): AsyncGenerator<{ readonly offset: number; readonly bytes: Uint8Array }> {
    const reader = new ChunkReader(from);
    if (reader.size < length) {
      throw corrupt({ name: from.path, offset: reader.size }, 0, 'the file ends here');
    }
    for (let offset = 0; offset < length; offset += STEP_BYTES) {
      this.#options.signal?.throwIfAborted();
      yield { offset, bytes: await reader.read(offset, Math.min(STEP_BYTES, length - offset)) };
    }
    if (tail !== undefined) yield { offset: length, bytes: tail };
  }

  async #with<T>(
    source: string,
    target: string,
    work: (from: VfsFile, to: VfsFile) => Promise<T>,
  ): Promise<T> {
    const from = this.#vfs.openSync(source, { readOnly: true });
    try {
      const to = this.#vfs.openSync(target);
      try {
        return await work(from, to);
      } finally {
        await to.close();
      }
    } finally {
      await from.close();
    }
  }

  #paths(name: string): { source: string; target: string } {
    return { source: join(this.#from, name), target: join(this.#to, name) };
  }

  #done(bytes: number): void {
    this.counters.bytes += bytes;
    this.#options.onProgress?.({ doneBytes: this.counters.bytes, totalBytes: this.#totalBytes });
  }
}

export function sizeOf({ bytes, tail }: WantedFile): number {
  return bytes + (tail?.length ?? 0);
}
