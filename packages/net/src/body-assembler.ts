/** What is taken first for a body that did not come whole. */
const FIRST_BYTES = 64 * 1024;
/**
 * By how much the room grows. A peer that promises 64 MiB and sends little holds little memory; one
 * that keeps its promise costs a seventh of the body in copies.
 */
const GROWTH = 8;

/**
 * Puts a body of known length together from the chunks it comes in, in memory that follows what has
 * come.
 */
export class BodyAssembler {
  readonly #length: number;
  #bytes: Uint8Array;
  #filled = 0;

  constructor(length: number) {
    this.#length = length;
    this.#bytes = allocate(Math.min(length, FIRST_BYTES));
  }

  /**
   * Takes what belongs to the body from `chunk`, beginning at `position`; returns how many bytes
   * that were.
   */
  take(chunk: Uint8Array, position: number): number {
    const taken = Math.min(chunk.length - position, this.#length - this.#filled);
    this.#makeRoom(this.#filled + taken);
    this.#bytes.set(chunk.subarray(position, position + taken), this.#filled);
    this.#filled += taken;
    return taken;
  }

  /** The body, in memory of its own, exactly as long as it is; `undefined` until it is whole. */
  get body(): Uint8Array | undefined {
    return this.#filled === this.#length ? this.#bytes : undefined;
  }

  #makeRoom(needed: number): void {
    let room = this.#bytes.length;
    if (needed <= room) return;
    while (room < needed) room *= GROWTH;
    const larger = allocate(Math.min(room, this.#length));
    larger.set(this.#bytes.subarray(0, this.#filled));
    this.#bytes = larger;
  }
}

/**
 * Not from Node's pool, which would keep its neighbours alive, and not zeroed: pages nobody writes
 * to cost nothing.
 */
function allocate(length: number): Uint8Array {
  return Buffer.allocUnsafeSlow(length);
}
