import { RESERVE_NAME } from '../compaction/disk-reserve.js';
import { isManifestDraft, MANIFEST_NAME } from '../compaction/manifest.js';
import { DRAFT_SUFFIX } from '../directory/build-directory.js';
import { parseDirectoryName } from '../directory/directory-format.js';
import { parseSortedName } from '../directory/sorted-segment.js';
import { parseSegmentName } from '../log/segment-header.js';

/** Of a lock, or of the draft of one. */
export function isLockName(name: string): boolean {
  return name === 'lock' || /^lock\.\d+(\.old)?$/.test(name);
}

/** Of a file with which a store keeps what it holds. */
export function isStoreName(name: string): boolean {
  return (
    name === MANIFEST_NAME ||
    isManifestDraft(name) ||
    name === RESERVE_NAME ||
    parseSegmentName(name) !== undefined ||
    parseSortedName(name) !== undefined ||
    parseDirectoryName(name.replace(DRAFT_SUFFIX, '')) !== undefined
  );
}
