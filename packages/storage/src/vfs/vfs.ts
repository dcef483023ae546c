/**
 * What was asked of a file or a directory: an error of a read says that bytes are gone, one of a
 * write or a flush does not.
 */
export type VfsOperation =
  | 'open'
  | 'size'
  | 'identify'
  | 'read'
  | 'list'
  | 'measure'
  | 'make'
  | 'create'
  | 'write'
  | 'allocate'
  | 'flush'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'remove'
  | 'close'
  | 'lock';

/**
 * The one way from dle to files. `NodeVfs` is the real one; `MemVfs` (`@dle/storage/testing`)
 * forgets what was not flushed, and can be told to fail. Both pass `vfsComplianceSuite`.
 *
 * Writing is synchronous, into the page cache; flushing is asynchronous, one hop through the thread
 * pool.
 * Every failure is a `DleError`: `DLE_DISK_FULL` (nothing of the write counts), `DLE_IO`, both with
 * the `VfsOperation` in `details.operation`; `DLE_LOCKED`.
 * A path that does not exist is `DLE_IO` with the system's error as its cause.
 */
export interface Vfs {
  /** Makes `directory` and what is missing above it, durably. */
  makeDirectory(directory: string): Promise<void>;
  /** Names in `directory`, in no order. Empty if it does not exist. */
  list(directory: string): Promise<string[]>;
  /**
   * Opens an existing file for reading and, unless `readOnly`, writing. Synchronous, as is the read
   * of a key that may have to reopen a file closed to spare descriptors.
   */
  openSync(path: string, options?: { readonly readOnly?: boolean }): VfsFile;
  /** Makes a new, empty file; it must not exist. The entry is durable after `syncDirectory`. */
  createSync(path: string): VfsFile;
  /** Atomic; durable after `syncDirectory`. Replaces `to`. */
  rename(from: string, to: string): Promise<void>;
  /**
   * Gives the file `from` a second name, which must not be taken; durable after `syncDirectory`.
   * False, and nothing was done, where there can be none: on another disk, on a file system that
   * has no such names, or where the file has as many as it may.
   */
  link(from: string, to: string): Promise<boolean>;
  /** Durable after `syncDirectory`. Open files stay readable. */
  unlink(path: string): Promise<void>;
  /** As `unlink`, at once: for who needs the space now. */
  unlinkSync(path: string): void;
  /** Bytes that there is room for on the disk of `directory`, which must exist. */
  freeBytes(directory: string): number;
  /** Removes a directory, which must be empty; one that does not exist is none to remove. */
  removeDirectory(directory: string): Promise<void>;
  /** Makes creations, renames and unlinks in `directory` durable. */
  syncDirectory(directory: string): Promise<void>;
  /**
   * Takes the exclusive lock of `directory`, or throws `DLE_LOCKED` naming the holder. A lock left
   * by a process that is gone is taken over.
   */
  lock(directory: string): Promise<VfsLock>;
}

export interface VfsLock {
  release(): Promise<void>;
}

export interface VfsFile {
  readonly path: string;
  /** Of the operating system, where there is one: for maps. */
  readonly descriptor?: number;
  size(): number;
  /** The same for every name of one file, and another for each other file of the disk. */
  identity(): string;
  /**
   * Writes all of `parts`, one after the other, at `position`, or throws. Short writes are
   * continued. The bytes are taken before it returns: the caller may reuse them.
   */
  writeSync(parts: readonly Uint8Array[], position: number): void;
  /**
   * Takes the space from `position` on for real, reading as zeros, at the end of the file or behind
   * it: what is then written there cannot meet a full disk. Throws `DLE_DISK_FULL`; what was there
   * before is unchanged, and the file may have grown by a part.
   *
   * Returns whether zeros were written there. If not, the space is only set aside: the flush of
   * what is first written into it is dearer, as the file system then notes that it is in use.
   */
  allocateSync(position: number, length: number): boolean;
  /**
   * Fills `target` from `position`; returns how many bytes there were, fewer only at the end of the
   * file.
   */
  readSync(target: Uint8Array, position: number): number;
  /** As `readSync`, through the thread pool. */
  read(target: Uint8Array, position: number): Promise<number>;
  /**
   * All bytes written before the call are on the device. After a failure nothing is known of them:
   * never retry.
   */
  datasync(): Promise<void>;
  /** Waits for reads and flushes under way. Idempotent. */
  close(): Promise<void>;
}
