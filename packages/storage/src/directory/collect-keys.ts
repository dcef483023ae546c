import { nativeBinding } from '../native/native.js';
import type { DirectoryKeys } from './directory-keys.js';
import { NativeKeys } from './native-keys.js';
import { SegmentKeys } from './segment-keys.js';

/** The keys of a segment, of which none are known yet. */
export function collectKeys(): DirectoryKeys {
  const binding = nativeBinding();
  return binding === undefined ? new SegmentKeys() : new NativeKeys(binding);
}
