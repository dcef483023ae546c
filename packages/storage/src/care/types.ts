import type { Damage } from '../directory/directories.js';

export interface CareProgress {
  /** Bytes that have been dealt with, and those that will be, as far as is known. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CareOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CareProgress) => void;
}

export interface BackupReport {
  /** Index of the last write that the backup holds; it holds all up to there. */
  readonly index: number;
  /** Files of the backup, and their bytes together. */
  readonly files: number;
  readonly bytes: number;
  /** Of the files, those that share their space with the store's. */
  readonly linkedFiles: number;
  readonly copiedFiles: number;
  /** Those that were there, and right, before. */
  readonly keptFiles: number;
}

export interface RestoreReport {
  readonly files: number;
  readonly bytes: number;
  /** Records that were read and found whole, overwritten ones included. */
  readonly records: number;
}

/** A key of which a version is lost. */
export interface LostKey {
  readonly key: Uint8Array;
  /** Of the write that is lost. */
  readonly index: number;
}

/** A place at which records were lost. */
export interface Loss {
  /** The file as it was called before the repair. */
  readonly file: string;
  /** In bytes. A file that is missing altogether has the length 0. */
  readonly offset: number;
  readonly length: number;
  /** What was lost there, where an intact key directory says so; it is all then. */
  readonly keys?: readonly LostKey[];
  /** The lowest and the highest index that a record there may have had, as far as is known. */
  readonly firstIndex?: number;
  readonly lastIndex?: number;
  /** Whether the store may now show an older value of a key, or one that had been deleted. */
  readonly mayBeStale: boolean;
}

export interface RepairReport {
  /** What was found to be damaged; empty: the store is whole, and was left alone. */
  readonly damage: readonly Damage[];
  /** Keys that the repaired store holds; of one that was left alone, records that were read. */
  readonly records: number;
  /** Empty, though there was damage: it has hit nothing that counted. */
  readonly lost: readonly Loss[];
  /** The directory in which the damaged files are; `undefined`: no file had to be replaced. */
  readonly keptAside: string | undefined;
}
