import { viewOf } from './frame.js';
import type { Socket } from './sockets.js';

/**
 * Bytes given to the operating system at once. A slow but living peer takes this much well within a
 * keepalive interval, so that progress can be told from none.
 */
const MAX_WRITE_BYTES = 1024 * 1024;

export interface WriteEvents {
  /** The operating system has taken this many more bytes. */
  progress(bytes: number): void;
  /**
   * It has taken all of them. Never called if the socket fails: then it may still read from the
   * parts.
   */
  done(): void;
}

/**
 * Writes `parts` in order, with one system call for each MAX_WRITE_BYTES where the socket takes
 * them.
 */
export function writeParts(
  socket: Socket,
  parts: readonly Uint8Array[],
  events: WriteEvents,
): void {
  let index = 0;
  let offset = 0;

  function writeSome(): void {
    let bytes = 0;
    // What is one part, and most is, needs no detour to leave with one call.
    const isWhole = parts.length === 1;
    if (!isWhole) socket.cork();
    while (true) {
      const part = parts[index]!;
      const end = Math.min(part.length, offset + MAX_WRITE_BYTES - bytes);
      const piece = offset === 0 && end === part.length ? part : viewOf(part, offset, end);
      bytes += piece.length;
      offset += piece.length;
      if (offset === part.length) {
        index++;
        offset = 0;
      }
      if (index === parts.length || bytes === MAX_WRITE_BYTES) {
        socket.write(piece, (error) => {
          if (error === null || error === undefined) written(bytes);
        });
        break;
      }
      socket.write(piece);
    }
    if (!isWhole) socket.uncork();
  }

  function written(bytes: number): void {
    events.progress(bytes);
    if (index === parts.length) events.done();
    else writeSome();
  }

  writeSome();
}
