import { DleError } from '@dle/common';

/**
 * - `stale`: a newer leader is known there;
 * - `notWanted`: the receiver has that state already, or its log leads there;
 * - `elsewhere`: the receiver is not where the chunk is; the sender is to begin again.
 */
export type SnapshotRefusal = 'stale' | 'notWanted' | 'elsewhere';

/** `commit`: up to where the receiver has everything. */
export function snapshotRefused(
  reason: SnapshotRefusal,
  message: string,
  { commit, cause }: { readonly commit?: number; readonly cause?: unknown } = {},
): DleError {
  return new DleError('DLE_SNAPSHOT_REFUSED', message, {
    retryable: reason === 'elsewhere',
    details: { reason, ...(commit !== undefined && { commit }) },
    cause,
  });
}
