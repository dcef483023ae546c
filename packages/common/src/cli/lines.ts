import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../limits.js';
import { badLine } from './record-format.js';

/**
 * Longest line in bytes: the longest key and value with every byte written as `\u00HH`, and what
 * stands around them. What is longer holds no record, and would be held in memory to find that out.
 */
export const MAX_LINE_BYTES: number = (MAX_KEY_BYTES + MAX_VALUE_BYTES) * 6 + 1_024;

const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * Cuts chunks of a file into lines, without their line feeds. A byte order mark at the very start
 * is left out.
 *
 * @throws DleError `DLE_INVALID_ARGUMENT`: a line is longer than `MAX_LINE_BYTES`
 */
export class LineSplitter {
  /**
   * Beginning of a line whose end has not come yet, in parts: joined once, however many chunks it
   * spans.
   */
  #parts: Uint8Array[] = [];
  #length = 0;
  /** Number of the line that `#parts` begin. */
  #line = 1;

  /** The lines that end in `chunk`: views of it, but for one that began before. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end === -1) break;
      this.#keep(chunk.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  /** The last line, if the file does not end in a line feed. */
  *end(): Generator<Uint8Array, void, undefined> {
    if (this.#length > 0) yield this.#take();
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#length += part.length;
    if (this.#length > MAX_LINE_BYTES) {
      throw badLine(`line ${this.#line}: longer than ${MAX_LINE_BYTES} bytes`);
    }
  }

  #take(): Uint8Array {
    const line = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    const first = this.#line++ === 1;
    const marked = first && BYTE_ORDER_MARK.every((byte, at) => line[at] === byte);
    return marked ? line.subarray(BYTE_ORDER_MARK.length) : line;
  }
}
