import type { Content } from './log-writer.js';
import type { RoomBehind } from './segment-space.js';

/** A frame of its own: one record of local state, or none. */
export function ownFrame(records: Uint8Array, behind: RoomBehind): Content {
  return {
    pieces: { count: 1, bytesOf: () => records.length },
    bytesOf: () => records,
    replacesFrom: 0,
    clean: false,
    sharesFrame: false,
    durable: true,
    behind,
  };
}
