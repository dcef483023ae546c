import { crc32 } from '@dle/common';

/**
 * Every header ends in four bytes of checksum, in every version; a `u32` at least comes before it.
 */
const SMALLEST_HEADER = 8;
/** No header of any version is longer; keeps a damaged length from being followed. */
const LARGEST_HEADER = 4_096;

/** The CRC-32 of the header at `offset`, but for its last four bytes, where it stands. */
export function headerChecksum(bytes: Uint8Array, offset: number, headerLength: number): number {
  return crc32(bytes.subarray(offset, offset + headerLength - 4));
}

/**
 * Whether the header at `offset` is intact, of whatever version: only then is a version that is not
 * known a newer one, and not damage.
 */
export function isIntact(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  headerLength: number,
): boolean {
  if (headerLength < SMALLEST_HEADER || headerLength > LARGEST_HEADER) return false;
  if (offset + headerLength > bytes.length) return false;
  const checksum = view.getUint32(offset + headerLength - 4, true);
  return headerChecksum(bytes, offset, headerLength) === checksum;
}
