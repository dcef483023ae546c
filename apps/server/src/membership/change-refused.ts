import { DleError } from '@dle/common';

/**
 * A change of members that was not begun; nothing was written. Beside the reasons of consensus:
 * `unreachable` (the new node does not answer), and `retired` (an id that a removed member had).
 */
export function refusedChange(
  reason: 'invalid' | 'unreachable' | 'retired' | 'wouldLoseQuorum',
  message: string,
  cause?: unknown,
): DleError {
  return new DleError('DLE_CHANGE_REFUSED', message, { cause, details: { reason } });
}
