import { type Clock, crc32, DleError } from '@dle/common';
import { giveBuffer, POOLED_BYTES, takeBuffer } from './buffer-pool.js';
import { type EncodedControl, encodeControl } from './control.js';
import {
  FRAME_HEADER_BYTES,
  FrameKind,
  type ViewedBytes,
  viewed,
  viewOf,
  writeFrameHeader,
} from './frame.js';
import type { Socket } from './sockets.js';
import type { Control, RawParts } from './types.js';
import { writeParts } from './write-parts.js';

/**
 * Raw parts from here on are handed to the operating system where they lie; below, a copy is
 * cheaper than one more part.
 */
const COPY_BELOW_BYTES = 4 * 1024;

/**
 * So much leaves before the turn ends: the other side gets to work on it while this one is busy
 * with the rest. With 256 puts in flight, client, leader and followers would else wait for one
 * another.
 */
const EARLY_BYTES = POOLED_BYTES;

/** An error with its message fits. */
const SHORT_RESPONSE_BYTES = 8 * 1024;

const NO_PARTS: readonly Uint8Array[] = [];
const NO_CONTROL: EncodedControl = { bytes: new Uint8Array(0), start: 0, end: 0 };

export interface OutboxComponents {
  readonly clock: Clock;
  readonly socket: Socket;
  /** Called whenever the operating system has taken what was written to it. */
  readonly progress: () => void;
}

export interface OutboxOptions {
  /** Longest body of a frame, in bytes. */
  maxBodyBytes: number;
  /** Most bytes waiting; a frame that finds others waiting and would exceed it is refused. */
  maxQueuedBytes: number;
}

/**
 * Turns frames into as few writes as make sense: what is put in during one turn of the event loop,
 * or while the write before it is under way, leaves in one, but for the first EARLY_BYTES.
 */
export class Outbox {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #progress: () => void;
  readonly #options: OutboxOptions;
  /** What the next write consists of, in order, without the open end of `#buffer`. */
  #parts: Uint8Array[] = [];
  /**
   * The buffer being filled: written up to `#used`, of which `#taken` are already among the parts.
   */
  #buffer: ViewedBytes | undefined;
  #taken = 0;
  #used = 0;
  /** Full buffers among the parts. */
  #full: ViewedBytes[] = [];
  #queuedBytes = 0;
  #queuedAnswerBytes = 0;
  #writingBytes = 0;
  #writingAnswerBytes = 0;
  #frames = 0;
  #handedOver = 0;
  #writing = false;
  #scheduled = false;
  #ending = false;
  /** Made once: a function that makes one takes memory for it in each call, whether or not it does. */
  readonly #endTurn = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  constructor(components: OutboxComponents, options: OutboxOptions) {
    this.#socket = components.socket;
    this.#clock = components.clock;
    this.#progress = components.progress;
    this.#options = options;
  }

  /** Bytes that the operating system has not taken yet. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#writingBytes;
  }

  /** Those of them that are responses. */
  get bufferedAnswerBytes(): number {
    return this.#queuedAnswerBytes + this.#writingAnswerBytes;
  }

  /** Number of the last frame of which bytes may have left. */
  get handedOver(): number {
    return this.#handedOver;
  }

  /**
   * Puts a frame in and returns its number, counted from 1. It throws, having put in nothing,
   * DLE_OVERLOADED, DLE_FRAME_TOO_LARGE or DLE_INVALID_ARGUMENT.
   */
  put(kind: FrameKind, id: number, control?: Control, raw?: RawParts): number {
    const rawParts = raw === undefined ? NO_PARTS : raw instanceof Uint8Array ? [raw] : raw;
    const encoded = control === undefined ? NO_CONTROL : encodeControl(control);
    const controlLength = encoded.end - encoded.start;
    let rawLength = 0;
    for (const part of rawParts) rawLength += part.length;
    const frameBytes = FRAME_HEADER_BYTES + controlLength + rawLength;
    this.#checkRoom(kind, controlLength + rawLength, frameBytes);

    let bodyChecksum =
      controlLength === 0 ? 0 : crc32(viewOf(encoded.bytes, encoded.start, encoded.end));
    for (const part of rawParts) bodyChecksum = crc32(part, bodyChecksum);
    const header = { kind, id, controlLength, rawLength, bodyChecksum };
    this.#putHead(header, encoded);
    for (const part of rawParts) this.#putRaw(part);
    this.#queuedBytes += frameBytes;
    if (kind === FrameKind.response) this.#queuedAnswerBytes += frameBytes;
    this.#frames++;
    if (this.#queuedBytes >= EARLY_BYTES && !this.#writing) this.#flush();
    else this.#schedule();
    return this.#frames;
  }

  /** Writes what is in now, instead of when the turn ends. */
  flush(): void {
    if (this.#scheduled) this.#flush();
  }

  /**
   * Writes what is in, then ends the sending side of the socket. Nothing may be put in afterwards.
   */
  end(): void {
    this.#ending = true;
    this.#handedOver = this.#frames;
    this.#flush();
  }

  /** Forgets what has not been handed over. */
  discard(): void {
    this.#parts = [];
    this.#full = [];
    this.#buffer = undefined;
    this.#queuedBytes = 0;
    this.#queuedAnswerBytes = 0;
    this.#ending = true;
  }

  #checkRoom(kind: FrameKind, bodyBytes: number, frameBytes: number): void {
    const { maxBodyBytes, maxQueuedBytes } = this.#options;
    if (bodyBytes > maxBodyBytes) {
      throw new DleError(
        'DLE_FRAME_TOO_LARGE',
        `a body of ${bodyBytes} bytes is over the limit of ${maxBodyBytes} on this connection`,
      );
    }
    if (this.bufferedBytes === 0 || alwaysFindsRoom(kind, frameBytes)) return;
    if (this.bufferedBytes + frameBytes > maxQueuedBytes) {
      throw new DleError(
        'DLE_OVERLOADED',
        `${this.bufferedBytes} bytes are waiting to be sent; the limit is ${maxQueuedBytes}`,
        { retryable: true },
      );
    }
  }

  #putHead(header: Parameters<typeof writeFrameHeader>[2], encoded: EncodedControl): void {
    const length = FRAME_HEADER_BYTES + header.controlLength;
    const target = this.#roomFor(length);
    writeFrameHeader(target, this.#used, header);
    copyBytes(encoded, target.bytes, this.#used + FRAME_HEADER_BYTES);
    this.#used += length;
  }

  #putRaw(part: Uint8Array): void {
    if (part.length === 0) return;
    if (part.length < COPY_BELOW_BYTES) {
      this.#roomFor(part.length).bytes.set(part, this.#used);
      this.#used += part.length;
    } else {
      this.#takeWritten();
      this.#parts.push(part);
    }
  }

  /** A buffer with `length` bytes free at `#used`: the present one, or the next. */
  #roomFor(length: number): ViewedBytes {
    if (this.#buffer !== undefined && this.#buffer.bytes.length - this.#used >= length) {
      return this.#buffer;
    }
    this.#closeBuffer();
    this.#buffer = length <= POOLED_BYTES ? takeBuffer() : viewed(Buffer.allocUnsafeSlow(length));
    return this.#buffer;
  }

  /** Moves what has been written to the present buffer behind the other parts. */
  #takeWritten(): void {
    if (this.#buffer === undefined || this.#taken === this.#used) return;
    this.#parts.push(viewOf(this.#buffer.bytes, this.#taken, this.#used));
    this.#taken = this.#used;
  }

  #closeBuffer(): void {
    if (this.#buffer === undefined) return;
    this.#takeWritten();
    if (this.#buffer.bytes.length === POOLED_BYTES) this.#full.push(this.#buffer);
    this.#buffer = undefined;
    this.#taken = 0;
    this.#used = 0;
  }

  #schedule(): void {
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    this.#clock.defer(this.#endTurn);
  }

  #flush(): void {
    if (this.#writing) return;
    this.#closeBuffer();
    if (this.#parts.length === 0) {
      if (this.#ending && !this.#socket.destroyed) this.#socket.end();
      return;
    }
    const parts = this.#parts;
    const buffers = this.#full;
    this.#parts = [];
    this.#full = [];
    this.#handedOver = this.#frames;
    this.#writingBytes = this.#queuedBytes;
    this.#writingAnswerBytes = this.#queuedAnswerBytes;
    this.#queuedBytes = 0;
    this.#queuedAnswerBytes = 0;
    this.#writing = true;
    writeParts(this.#socket, parts, {
      progress: (bytes) => {
        this.#writingBytes -= bytes;
        this.#writingAnswerBytes = Math.min(this.#writingAnswerBytes, this.#writingBytes);
        this.#progress();
      },
      done: () => {
        this.#writing = false;
        for (const buffer of buffers) giveBuffer(buffer);
        this.#flush();
      },
    });
  }
}

/**
 * Greetings and signs of life do; and short responses, which say that there was no room for a
 * longer one: their number is bounded, for no requests are read while responses pile up.
 */
function alwaysFindsRoom(kind: FrameKind, frameBytes: number): boolean {
  if (kind === FrameKind.response) return frameBytes <= SHORT_RESPONSE_BYTES;
  return kind !== FrameKind.request && kind !== FrameKind.message;
}

function copyBytes(encoded: EncodedControl, target: Uint8Array, offset: number): void {
  const { bytes, start, end } = encoded;
  // A loop beats the call of a native copy for the few bytes that most control parts have.
  if (end - start > 128) target.set(bytes.subarray(start, end), offset);
  else for (let index = start; index < end; index++) target[offset + index - start] = bytes[index]!;
}
