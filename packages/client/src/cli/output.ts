import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Bytes collected before they are written. */
const BATCH_BYTES = 256 * 1024;

/** Where a command writes bytes to. */
export interface Output {
  /** Takes the bytes; they must not change. To be awaited only where it returns a promise. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** Everything is written. */
  finish(): Promise<void>;
  /** There will be no more: what was written so far is not to be seen as the whole. */
  abandon(): Promise<void>;
}

/** To a file, or to standard output where there is no path. */
export async function openOutput(path: string | undefined): Promise<Output> {
  if (path === undefined) return new Batches(new StandardOutput());
  return new Batches(await openFile(path));
}

interface Target {
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  abandon(): Promise<void>;
}

/** Collects small pieces, so that each write is worth its call. */
class Batches implements Output {
  readonly #target: Target;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this.#length < BATCH_BYTES ? undefined : this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#target.finish();
  }

  abandon(): Promise<void> {
    return this.#target.abandon();
  }

  #flush(): Promise<void> {
    const batch = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return this.#target.write(batch);
  }
}

/** Errors of standard output end the program, wherever it is: see `main.ts`. */
class StandardOutput implements Target {
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      process.stdout.write(bytes, () => resolve());
    });
  }

  async finish(): Promise<void> {}

  async abandon(): Promise<void> {}
}

async function openFile(path: string): Promise<Target> {
  const existing = await stat(path).catch(() => undefined);
  // A device or a pipe (`/dev/null`) is written to as it is; a file put in its place would be a
  // surprise.
  if (existing !== undefined && !existing.isFile()) {
    return new DirectFile(await open(path, 'w'));
  }
  const target = existing === undefined ? path : await realpath(path);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  return new ReplacedFile(await open(temporary, 'wx'), temporary, target);
}

class DirectFile implements Target {
  protected readonly handle: FileHandle;

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.handle.writeFile(bytes);
  }

  async finish(): Promise<void> {
    await this.handle.close();
  }

  async abandon(): Promise<void> {
    await this.handle.close();
  }
}

/**
 * Written under another name, and renamed when it is whole and on the disk: there is never half a
 * file.
 */
class ReplacedFile extends DirectFile {
  readonly #temporary: string;
  readonly #target: string;

  constructor(handle: FileHandle, temporary: string, target: string) {
    super(handle);
    this.#temporary = temporary;
    this.#target = target;
  }

  override async finish(): Promise<void> {
    await this.handle.sync();
    await this.handle.close();
    await rename(this.#temporary, this.#target);
  }

  override async abandon(): Promise<void> {
    await this.handle.close();
    await unlink(this.#temporary);
  }
}
