import { DleError, type Logger } from '@dle/common';
import type { EntryBatch, NodeId } from '../core/types.js';
import type { LogRoom } from './log-room.js';
import type { LogPort, Proposal } from './ports.js';

/**
 * Entries that a peer has sent, if they are whole and there is room for them. Otherwise they count
 * as lost on the way.
 */
export function acceptEntries<P extends Proposal>(
  { log, logger }: { readonly log: LogPort<P>; readonly logger: Logger },
  room: LogRoom<P>,
  peer: NodeId,
  bytes: Uint8Array,
): EntryBatch | undefined {
  try {
    const entries = log.decode(bytes);
    return room.take(bytes.length, entries) === undefined ? entries : undefined;
  } catch (thrown) {
    const { code, message } = DleError.from(thrown);
    logger.error({ code, peer }, `entries refused: ${message}`);
    return undefined;
  }
}
