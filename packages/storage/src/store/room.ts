import { DleError, isDleError } from '@dle/common';

/** What is done about a disk that is full. */
export interface Room {
  /** Whether what there is left is not for that, but for making room. */
  isSpent(bytes: number, isDelete: boolean): boolean;
  /** The disk is full; whether there is room now for what gives space back. */
  makeForDeletes(): boolean;
  /** It is full for puts: begins to make room. */
  make(): void;
}

/** Throws `DLE_DISK_FULL` where what there is left is not for `bytes` of puts, or of deletes. */
export function checkRoom(room: Room, bytes: number, deletesOnly: boolean): void {
  if (!room.isSpent(bytes, deletesOnly)) return;
  room.make();
  const message = 'the disk is full, and space is being won back: delete something, try again';
  throw new DleError('DLE_DISK_FULL', message, { retryable: true });
}

/** Does `work`, and once more with what was set aside, if it only deletes and finds no room. */
export function withRoom<T>(room: Room, deletesOnly: boolean, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!isDleError(thrown, 'DLE_DISK_FULL')) throw thrown;
    if (deletesOnly && room.makeForDeletes()) return work();
    room.make();
    throw thrown;
  }
}
