export type {
  BackupReport,
  CareOptions,
  CareProgress,
  Loss,
  LostKey,
  RepairReport,
  RestoreReport,
} from './care/types.js';
export type {
  CompactionCounters,
  CompactionProgress,
  CompactOptions,
} from './compaction/compactor.js';
export type { Floor } from './compaction/log-floor.js';
export type { Damage, DirectoryCounters } from './directory/directories.js';
export { type NativeStatus, nativeStatus } from './native/native.js';
export type { StoreIterator } from './ordered/store-iterator.js';
export type {
  ClearOptions,
  IteratorOptions,
  KeyRange,
  ReadOptions,
  Snapshot,
  SnapshotStats,
} from './ordered/types.js';
export type { FoundDamage, IndexRange } from './scrub/found-damage.js';
export type { ScrubProgress } from './scrub/scrub-round.js';
export type { ScrubCounters, ScrubOptions, ScrubReport } from './scrub/scrubber.js';
export type { BaseChunk, BaseExport } from './store/base/base-export.js';
export type { BaseImporter, ImportOptions } from './store/base/base-importer.js';
export { LogStore } from './store/log-store.js';
export type {
  BatchOperation,
  BytesLike,
  CompactionOptions,
  Durability,
  KeySnapshot,
  LogStoreComponents,
  LogStoreOptions,
  LogStoreStats,
  Pair,
  ScrubbingOptions,
  VerifyReport,
  WriteOptions,
} from './store/types.js';
