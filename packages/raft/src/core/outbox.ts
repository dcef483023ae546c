import type { Message } from './types.js';

/**
 * Most messages held back. A device that hangs lets no acknowledgement go, and peers ask again and
 * again; beyond this the oldest are forgotten, which is no worse than lost on the way.
 */
const MAX_HELD = 4_096;

interface HeldMessage {
  readonly write: number;
  readonly message: Message;
}

/** Messages that may leave only once a write is on the device. */
export class Outbox {
  #held: HeldMessage[] = [];

  get size(): number {
    return this.#held.length;
  }

  hold(write: number, message: Message): void {
    if (this.#held.length >= MAX_HELD) this.#held.shift();
    this.#held.push({ write, message });
  }

  /** Takes out, in order, what waited for `write` or an earlier one. */
  release(write: number): readonly Message[] {
    const released: Message[] = [];
    const kept: HeldMessage[] = [];
    for (const held of this.#held) {
      if (held.write <= write) released.push(held.message);
      else kept.push(held);
    }
    this.#held = kept;
    return released;
  }

  /** Forgets everything: a term has ended, and with it the use of what was said in it. */
  clear(): void {
    this.#held = [];
  }
}
