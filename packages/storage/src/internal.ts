export { isStoreName } from './care/store-names.js';
export {
  MAX_BATCH_BYTES,
  MAX_ENTRY_RECORDS,
} from './limits.js';
export { EntryBatch, type OpaqueEntry } from './log/entry-batch.js';
export { EntryBatchBuilder } from './log/entry-batch-builder.js';
export { Log } from './log/log.js';
export type {
  AppendOptions,
  LogComponents,
  LogObservers,
  LogOptions,
} from './log/log-options.js';
export { RECORD_HEADER_BYTES, type RecordView, recordBytes } from './log/record.js';
export { Namespace, RecordKind } from './log/record-kinds.js';
export { abandonBase } from './store/base/staging.js';
export { NodeVfs } from './vfs/node-vfs.js';
export { replaceFile } from './vfs/replace-file.js';
export type { Vfs, VfsFile, VfsLock, VfsOperation } from './vfs/vfs.js';
