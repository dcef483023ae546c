import { concatBytes, DleError, EMPTY_BYTES, readUint64, writeUint64 } from '@dle/common';
import type { IndexedConfiguration } from '../core/types.js';
import { decodeConfiguration, encodeConfiguration } from './configuration-codec.js';

const INDEX_BYTES = 8;

/**
 * What consensus keeps of a log's base, beside its index and term: nothing, or
 *
 *     0 index of the configuration u64   8 … the configuration, as in its entry
 */
export function encodeBaseState(configuration: IndexedConfiguration | undefined): Uint8Array {
  if (configuration === undefined) return EMPTY_BYTES;
  const index = new Uint8Array(INDEX_BYTES);
  writeUint64(new DataView(index.buffer), 0, configuration.index);
  return concatBytes([index, encodeConfiguration(configuration.configuration)]);
}

/** @throws DleError `DLE_FORMAT` */
export function decodeBaseState(state: Uint8Array): IndexedConfiguration | undefined {
  if (state.length === 0) return undefined;
  if (state.length < INDEX_BYTES) throw new DleError('DLE_FORMAT', 'a base of a log is too short');
  const view = new DataView(state.buffer, state.byteOffset, state.length);
  const configuration = decodeConfiguration(state.subarray(INDEX_BYTES));
  return { index: readUint64(view, 0), configuration };
}
