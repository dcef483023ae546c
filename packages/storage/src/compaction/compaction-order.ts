import type { DirectoryHeader } from '../directory/directory-format.js';
import type { HashSeed } from '../key-index/half-sip-hash.js';

/** A sealed file to be rewritten, and the slot by which positions name it. */
export interface CompactionInput {
  readonly id: number;
  readonly kind: 'log' | 'sorted';
  readonly run: number;
  readonly slot: number;
  /** No record in it has a lower index. */
  readonly firstIndex: number;
}

/** What one job is to do. Plain data: it is sent to another thread. */
export interface CompactionOrder {
  readonly directory: string;
  readonly storeId: string;
  /** By rising ids: of a record that several hold, that of the newest file is the one in use. */
  readonly inputs: readonly CompactionInput[];
  /**
   * Files that stay, and may hold records older than a delete among the inputs: as long as one of
   * them has the key, the delete must stay, too.
   */
  readonly others: readonly { readonly id: number; readonly firstIndex: number }[];
  /** There are files whose keys nobody knows yet: all deletes stay. */
  readonly keepTombstones: boolean;
  /** Number of the run that the outputs make. */
  readonly run: number;
  /** Of one output, if no single record is larger. */
  readonly segmentBytes: number;
  /** By which the index hashes keys. */
  readonly seed: HashSeed;
  /** Bytes read and written in a second, at most; 0: as many as can be. */
  readonly bytesPerSecond: number;
}

/** Records of which the main thread is asked whether they are the newest of their keys. */
export interface Candidates {
  readonly count: number;
  /** Of their keys. */
  readonly hashes: Uint32Array;
  readonly positions: Float64Array;
}

/** Where records lay, and where each of them lies now, too. */
export interface Moves {
  readonly count: number;
  readonly hashes: Uint32Array;
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** Of the records in bytes. */
  readonly lengths: Uint32Array;
}

/** A sorted segment, durable with its key directory, but not in the manifest yet. */
export interface CompactionOutput {
  readonly id: number;
  readonly header: DirectoryHeader;
  readonly moves: Moves;
  /** Of the deletes in it. */
  readonly tombstoneBytes: number;
}

/** What a job asks of whoever runs it. */
export interface CompactionHost {
  /** For each candidate 1 if it is live, else 0. */
  areLive(candidates: Candidates): Promise<Uint8Array>;
  /** Id and slot of the next output. */
  begin(): Promise<{ readonly id: number; readonly slot: number }>;
  /** An output is done. */
  finished(output: CompactionOutput): Promise<void>;
  /** So many bytes of the inputs have been looked at. */
  progress(bytes: number): void;
  /** Whether to stop at the next opportunity. What is finished by then stays. */
  readonly stopped: boolean;
}

export interface CompactionOutcome {
  /** Whether all inputs have been gone through: what counts of them lies in the outputs now. */
  readonly complete: boolean;
  /** Records that were left out. */
  readonly dropped: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}
