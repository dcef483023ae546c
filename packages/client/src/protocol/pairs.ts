import { DleError, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@dle/common';

/** A key and its value, of any bytes. */
export interface Pair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Before each pair: keyLength u32, valueLength u32, little-endian. */
const PAIR_HEADER_BYTES = 8;

/** Bytes that a pair takes in a page. */
export function pairBytes(keyLength: number, valueLength: number): number {
  return PAIR_HEADER_BYTES + keyLength + valueLength;
}

/** Collects pairs into one page of a dump. */
export class PairsWriter {
  readonly #maxBytes: number;
  #buffer: Uint8Array;
  #view: DataView;
  #length = 0;
  #count = 0;

  /** `maxBytes`: what the page may take; a first pair that is larger is taken all the same. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#buffer = new Uint8Array(Math.min(maxBytes, 64 * 1024));
    this.#view = new DataView(this.#buffer.buffer);
  }

  get count(): number {
    return this.#count;
  }

  /** The pairs added so far: a view, valid until the next is added. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Whether a pair of these lengths can still be added. */
  fits(keyLength: number, valueLength: number): boolean {
    return this.#count === 0 || this.#length + pairBytes(keyLength, valueLength) <= this.#maxBytes;
  }

  /** Copies the pair in; `false`, and nothing done, where it does not fit. */
  add(key: Uint8Array, value: Uint8Array): boolean {
    if (!this.fits(key.length, value.length)) return false;
    const end = this.#length + pairBytes(key.length, value.length);
    if (end > this.#buffer.length) this.#grow(end);
    this.#view.setUint32(this.#length, key.length, true);
    this.#view.setUint32(this.#length + 4, value.length, true);
    this.#buffer.set(key, this.#length + PAIR_HEADER_BYTES);
    this.#buffer.set(value, end - value.length);
    this.#length = end;
    this.#count++;
    return true;
  }

  #grow(atLeast: number): void {
    const doubled = Math.min(this.#buffer.length * 2, this.#maxBytes);
    const larger = new Uint8Array(Math.max(atLeast, doubled));
    larger.set(this.bytes);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/**
 * Walks through a page and finds that it is exactly `count` pairs within the limits.
 *
 * @throws DleError `DLE_FORMAT`
 */
export function checkPairs(page: Uint8Array, count: number): void {
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  let offset = 0;
  for (let pair = 0; pair < count; pair++) {
    if (page.length - offset < PAIR_HEADER_BYTES) throw badPage(pair, 'is cut off');
    const keyLength = view.getUint32(offset, true);
    const valueLength = view.getUint32(offset + 4, true);
    if (keyLength > MAX_KEY_BYTES || valueLength > MAX_VALUE_BYTES) {
      throw badPage(pair, 'is over the limits');
    }
    offset += pairBytes(keyLength, valueLength);
  }
  if (offset !== page.length) throw badPage(count, 'is not where the page ends');
}

/** The pairs of a page that `checkPairs` has passed. Keys and values are views of it. */
export function* readPairs(page: Uint8Array): Generator<Pair, void, undefined> {
  const view = new DataView(page.buffer, page.byteOffset, page.length);
  let offset = 0;
  while (offset < page.length) {
    const keyStart = offset + PAIR_HEADER_BYTES;
    const valueStart = keyStart + view.getUint32(offset, true);
    const end = valueStart + view.getUint32(offset + 4, true);
    yield { key: page.subarray(keyStart, valueStart), value: page.subarray(valueStart, end) };
    offset = end;
  }
}

function badPage(pair: number, what: string): DleError {
  return new DleError('DLE_FORMAT', `bad answer: pair ${pair} of a page of the dump ${what}`);
}
