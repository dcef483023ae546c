import { toText } from '@dle/common';
import { type EntryBatch, Namespace } from '@dle/storage/internal';
import type { EntryBatch as CoreBatch, IndexedConfiguration } from '../core/types.js';
import { decodeConfiguration } from './configuration-codec.js';

/** Keys of the opaque entries that consensus writes, in its own namespace. */
export const NOOP_KEY = 'noop';
export const CONFIGURATION_KEY = 'configuration';

/** A run of stored entries as the core sees it: the bytes stay what they are. */
export class LogBatch implements CoreBatch {
  readonly stored: EntryBatch;
  readonly configurations: readonly IndexedConfiguration[];

  /** @throws DleError `DLE_FORMAT` */
  constructor(stored: EntryBatch) {
    this.stored = stored;
    this.configurations = configurationsIn(stored);
  }

  get firstIndex(): number {
    return this.stored.firstIndex;
  }

  get count(): number {
    return this.stored.count;
  }

  termAt(index: number): number {
    return this.stored.termAt(index);
  }

  bytesAt(index: number): number {
    return this.stored.bytesAt(index);
  }
}

/** The configurations among stored entries. */
export function configurationsIn(stored: EntryBatch): IndexedConfiguration[] {
  return stored
    .opaqueEntries()
    .filter(
      ({ namespace, key }) =>
        namespace === Namespace.consensus && toText(key) === CONFIGURATION_KEY,
    )
    .map(({ index, value }) => ({ index, configuration: decodeConfiguration(value) }));
}
