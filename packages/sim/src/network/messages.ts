/** Of a frame (docs/format.md): bytes of its header, and where that says what follows. */
const HEADER_BYTES = 32;
const KIND_AT = 5;
const CONTROL_LENGTH_AT = 12;
const RAW_LENGTH_AT = 16;
/** The kind that nobody answers, and whoever sends it relies on nothing. */
const MESSAGE = 6;

export interface MessageFate {
  /** Whether the next one arrives twice. */
  isDoubled(): boolean;
  /** Whether the next one arrives behind the frame after it. */
  isOvertaken(): boolean;
}

/**
 * What a connection carries, with messages doubled and overtaken on the way: it keeps the order of
 * bytes, but consensus must not need that. All other frames stay as they are.
 */
export class MessageShuffle {
  readonly #fate: MessageFate;
  /** Of the frame that has not passed whole. */
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** Of that frame, with its header; unknown before that is whole. */
  #length = 0;
  #held: Uint8Array | undefined;

  constructor(fate: MessageFate) {
    this.#fate = fate;
  }

  /** What arrives of `bytes`, and of those before them. */
  pass(bytes: Uint8Array): Uint8Array {
    const passed: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const wanted = this.#length === 0 ? HEADER_BYTES : this.#length;
      const part = bytes.subarray(at, at + wanted - this.#bytes);
      this.#parts.push(part);
      this.#bytes += part.length;
      at += part.length;
      if (this.#bytes < wanted) break;
      if (this.#length === 0) this.#length = lengthOf(Buffer.concat(this.#parts));
      if (this.#bytes === this.#length) passed.push(...this.#endFrame());
    }
    return passed.length === 1 ? passed[0]! : Buffer.concat(passed);
  }

  #endFrame(): Uint8Array[] {
    const frame = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    this.#length = 0;
    const isMessage = frame[KIND_AT] === MESSAGE;
    if (isMessage && this.#held === undefined && this.#fate.isOvertaken()) {
      this.#held = frame;
      return [];
    }
    const frames = isMessage && this.#fate.isDoubled() ? [frame, frame] : [frame];
    if (this.#held !== undefined) frames.push(this.#held);
    this.#held = undefined;
    return frames;
  }
}

function lengthOf(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const control = view.getUint32(CONTROL_LENGTH_AT, true);
  return HEADER_BYTES + control + view.getUint32(RAW_LENGTH_AT, true);
}
