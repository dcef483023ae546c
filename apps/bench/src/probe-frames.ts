import type { Socket } from 'node:net';

/*
 * What the bare processes of the limit probe speak: no greeting, no checksum, no versions.
 *
 *   request  ├ length 4 ┼ kind 1 ┼ id 4 ┼ payload ┤      reply  ├ length 4 ┼ id 4 ┼ payload ┤
 *
 * The length is that of what follows it; numbers are little-endian.
 */
export const PUT = 1;
export const GET = 2;
const LENGTH_BYTES = 4;
const NOTHING = Buffer.alloc(0);

/** Cuts a stream into bodies, which are views of its chunks. */
export class FrameReader {
  readonly #onBody: (body: Buffer) => void;
  #rest: Buffer = NOTHING;

  constructor(onBody: (body: Buffer) => void) {
    this.#onBody = onBody;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    while (bytes.length - start >= LENGTH_BYTES) {
      const end = start + LENGTH_BYTES + bytes.readUInt32LE(start);
      if (end > bytes.length) break;
      this.#onBody(bytes.subarray(start + LENGTH_BYTES, end));
      start = end;
    }
    this.#rest = bytes.subarray(start);
  }
}

/** Sends all frames of one turn of the event loop as one. */
export class FrameWriter {
  readonly #socket: Socket;
  #frames: Uint8Array[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
  }

  send(frame: Uint8Array): void {
    if (this.#frames.push(frame) === 1) process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#socket.write(Buffer.concat(this.#frames));
    this.#frames = [];
  }
}

export function requestFrame(kind: number, id: number, payload: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + 5 + payload.length);
  frame.writeUInt32LE(5 + payload.length, 0);
  frame[LENGTH_BYTES] = kind;
  frame.writeUInt32LE(id, LENGTH_BYTES + 1);
  frame.set(payload, LENGTH_BYTES + 5);
  return frame;
}

export function parseRequest(body: Buffer): { kind: number; id: number; payload: Buffer } {
  return { kind: body[0]!, id: body.readUInt32LE(1), payload: body.subarray(5) };
}

export function replyFrame(id: number, payload: Uint8Array = NOTHING): Uint8Array {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + 4 + payload.length);
  frame.writeUInt32LE(4 + payload.length, 0);
  frame.writeUInt32LE(id, LENGTH_BYTES);
  frame.set(payload, LENGTH_BYTES + 4);
  return frame;
}

export function parseReply(body: Buffer): { id: number; payload: Buffer } {
  return { id: body.readUInt32LE(0), payload: body.subarray(4) };
}
