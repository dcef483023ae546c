import type { Vfs, VfsFile, VfsLock } from '../vfs/vfs.js';

/** Files that can be read, and stay as they are whatever is done to them: for a start on trial. */
export class ReadOnlyVfs implements Vfs {
  readonly #vfs: Vfs;

  constructor(vfs: Vfs) {
    this.#vfs = vfs;
  }

  list(directory: string): Promise<string[]> {
    return this.#vfs.list(directory);
  }

  openSync(path: string): VfsFile {
    return new ReadOnlyFile(this.#vfs.openSync(path, { readOnly: true }));
  }

  createSync(path: string): VfsFile {
    return this.openSync(path);
  }

  freeBytes(directory: string): number {
    return this.#vfs.freeBytes(directory);
  }

  async link(): Promise<boolean> {
    return false;
  }

  async lock(): Promise<VfsLock> {
    return { release: async () => undefined };
  }

  async makeDirectory(): Promise<void> {}
  async removeDirectory(): Promise<void> {}
  async rename(): Promise<void> {}
  async unlink(): Promise<void> {}
  unlinkSync(): void {}
  async syncDirectory(): Promise<void> {}
}

class ReadOnlyFile implements VfsFile {
  readonly #file: VfsFile;
  readonly path: string;

  constructor(file: VfsFile) {
    this.#file = file;
    this.path = file.path;
  }

  size(): number {
    return this.#file.size();
  }

  identity(): string {
    return this.#file.identity();
  }

  readSync(target: Uint8Array, position: number): number {
    return this.#file.readSync(target, position);
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#file.read(target, position);
  }

  writeSync(): void {}

  allocateSync(): boolean {
    return true;
  }

  async datasync(): Promise<void> {}

  close(): Promise<void> {
    return this.#file.close();
  }
}
