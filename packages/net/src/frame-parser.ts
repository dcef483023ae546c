import { concatBytes, crc32, DleError, EMPTY_BYTES } from '@dle/common';
import { BodyAssembler } from './body-assembler.js';
import { decodeControl } from './control.js';
import {
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FRAME_VERSION,
  FrameKind,
  headerChecksum,
  type ViewedBytes,
  viewed,
  viewOf,
} from './frame.js';
import { MAX_CONTROL_BYTES } from './limits.js';
import type { Control } from './types.js';

const NO_BYTES: ViewedBytes = viewed(EMPTY_BYTES);

/**
 * A raw part is handed out as a view if it is at least this share (a quarter) of the memory it lies
 * in; a smaller one is copied, so that whoever keeps 20 bytes does not keep a chunk of 64 KiB
 * alive. The copy lies in Node's pool of 8 KiB: memory of its own takes five times as long to get,
 * and to give back.
 */
const OWN_SHARE = 4;

/** An array so short lies with its object, and is had for less than a view. */
const TINY_BYTES = 32;

/**
 * Finds the frames in a stream of chunks, however they are cut. `push` a chunk, then call `next`
 * until it says `false`; while it says `true`, the fields and methods describe the frame at hand.
 * No object per frame: the parser is the frame.
 *
 * Nothing is believed, and no memory taken, before the header's checksum and the limits have
 * vouched for it.
 * After an error the stream is lost: there is no telling where the next frame begins.
 */
export class FrameParser {
  /** Longest body that is let in; changes when the hello has said who is there. */
  maxBodyBytes: number;
  kind: FrameKind = FrameKind.ping;
  id = 0;
  controlLength = 0;
  rawLength = 0;

  #bodyChecksum = 0;
  #chunk: ViewedBytes = NO_BYTES;
  #position = 0;
  /** The beginning of a header whose rest is still to come. */
  readonly #header: ViewedBytes = viewed(new Uint8Array(FRAME_HEADER_BYTES));
  #headerFilled = 0;
  #assembler: BodyAssembler | undefined;
  /** Where the body of the frame at hand lies. */
  #source: Uint8Array = EMPTY_BYTES;
  #bodyStart = 0;

  constructor(maxBodyBytes: number) {
    this.maxBodyBytes = maxBodyBytes;
  }

  /** Whether the stream stands between two frames. */
  get between(): boolean {
    return this.#headerFilled === 0 && this.#assembler === undefined && this.#rest === 0;
  }

  /** Takes a chunk, which must not change afterwards. */
  push(bytes: Uint8Array): void {
    if (this.#rest > 0) {
      const rest = this.#chunk.bytes.subarray(this.#position);
      this.#chunk = viewed(concatBytes([rest, bytes]));
    } else {
      this.#chunk = viewed(bytes);
    }
    this.#position = 0;
  }

  /**
   * Goes to the next frame; `false` if it has not come whole. DLE_BAD_FRAME: these bytes are no
   * frame;
   * DLE_FORMAT: of a version this side does not know; DLE_FRAME_TOO_LARGE.
   */
  next(): boolean {
    if (this.#assembler === undefined) {
      if (!this.#readHeader()) return this.#letGo();
      const bodyLength = this.controlLength + this.rawLength;
      if (this.#rest >= bodyLength) {
        this.#source = this.#chunk.bytes;
        this.#bodyStart = this.#position;
        this.#position += bodyLength;
        this.#checkBody(bodyLength);
        return true;
      }
      this.#assembler = new BodyAssembler(bodyLength);
    }
    this.#position += this.#assembler.take(this.#chunk.bytes, this.#position);
    const body = this.#assembler.body;
    if (body === undefined) return this.#letGo();
    this.#assembler = undefined;
    this.#source = body;
    this.#bodyStart = 0;
    this.#checkBody(body.length);
    return true;
  }

  /** Bytes of the frame at hand. */
  get frameBytes(): number {
    return FRAME_HEADER_BYTES + this.controlLength + this.rawLength;
  }

  /** The control part of the frame at hand. DLE_BAD_FRAME if it is not a map. */
  control(): Control {
    return decodeControl(this.#source, this.#bodyStart, this.#bodyStart + this.controlLength);
  }

  /** The raw part of the frame at hand; its receiver may keep it. */
  raw(): Uint8Array {
    if (this.rawLength === 0) return EMPTY_BYTES;
    const start = this.#bodyStart + this.controlLength;
    if (this.rawLength <= TINY_BYTES) return copyOf(this.#source, start, this.rawLength);
    const part = viewOf(this.#source, start, start + this.rawLength);
    if (this.rawLength * OWN_SHARE >= part.buffer.byteLength) return part;
    return Buffer.from(part);
  }

  get #rest(): number {
    return this.#chunk.bytes.length - this.#position;
  }

  /** An idle connection keeps no chunk. */
  #letGo(): false {
    this.#chunk = NO_BYTES;
    this.#position = 0;
    this.#source = EMPTY_BYTES;
    return false;
  }

  #readHeader(): boolean {
    if (this.#headerFilled === 0 && this.#rest >= FRAME_HEADER_BYTES) {
      this.#parseHeader(this.#chunk, this.#position);
      this.#position += FRAME_HEADER_BYTES;
      return true;
    }
    const taken = Math.min(FRAME_HEADER_BYTES - this.#headerFilled, this.#rest);
    const end = this.#position + taken;
    this.#header.bytes.set(this.#chunk.bytes.subarray(this.#position, end), this.#headerFilled);
    this.#headerFilled += taken;
    this.#position = end;
    if (this.#headerFilled < FRAME_HEADER_BYTES) return false;
    this.#headerFilled = 0;
    this.#parseHeader(this.#header, 0);
    return true;
  }

  #parseHeader({ bytes, view }: ViewedBytes, offset: number): void {
    if (view.getUint32(offset, true) !== FRAME_MAGIC) throw bad('it does not begin with DLEW');
    const version = view.getUint8(offset + 4);
    if (version !== FRAME_VERSION) throw unknown(`version ${version}`);
    if (view.getUint32(offset + 28, true) !== headerChecksum(bytes, offset)) {
      throw bad('the checksum of its header is wrong');
    }
    const kind = view.getUint8(offset + 5);
    if (kind < FrameKind.hello || kind > FrameKind.pong) throw unknown(`kind ${kind}`);
    if (view.getUint16(offset + 6, true) !== FRAME_HEADER_BYTES)
      throw bad('its header has another length');
    if (view.getUint32(offset + 24, true) !== 0) throw bad('a reserved field is not zero');
    this.kind = kind as FrameKind;
    this.id = view.getUint32(offset + 8, true);
    this.controlLength = view.getUint32(offset + 12, true);
    this.rawLength = view.getUint32(offset + 16, true);
    this.#bodyChecksum = view.getUint32(offset + 20, true);
    this.#checkShape();
    this.#checkLimits();
  }

  #checkShape(): void {
    const exchange = this.kind === FrameKind.request || this.kind === FrameKind.response;
    if (exchange !== (this.id !== 0)) throw bad(`its id is ${this.id}`);
    const bare = this.kind === FrameKind.ping || this.kind === FrameKind.pong;
    if (bare && this.controlLength + this.rawLength > 0) throw bad('a ping or pong has a body');
    if (this.kind <= FrameKind.refusal && this.rawLength > 0)
      throw bad('a greeting has a raw part');
  }

  #checkLimits(): void {
    if (this.controlLength > MAX_CONTROL_BYTES) {
      throw tooLarge('control part', this.controlLength, MAX_CONTROL_BYTES);
    }
    const bodyLength = this.controlLength + this.rawLength;
    if (bodyLength > this.maxBodyBytes) throw tooLarge('body', bodyLength, this.maxBodyBytes);
  }

  #checkBody(length: number): void {
    const body = viewOf(this.#source, this.#bodyStart, this.#bodyStart + length);
    if (crc32(body) !== this.#bodyChecksum) throw bad('the checksum of its body is wrong');
  }
}

function copyOf(bytes: Uint8Array, start: number, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  for (let at = 0; at < length; at++) copy[at] = bytes[start + at]!;
  return copy;
}

function bad(what: string): DleError {
  return new DleError('DLE_BAD_FRAME', `not a frame: ${what}`);
}

function unknown(what: string): DleError {
  return new DleError('DLE_FORMAT', `a frame of unknown ${what}`);
}

function tooLarge(part: string, length: number, limit: number): DleError {
  return new DleError(
    'DLE_FRAME_TOO_LARGE',
    `a frame with a ${part} of ${length} bytes is over the limit of ${limit}`,
  );
}
