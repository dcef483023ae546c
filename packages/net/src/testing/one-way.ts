import type { Socket } from 'node:net';
import type { Clock } from '@dle/common';
import { reset } from './reset.js';

/** What happens to the bytes of one direction. Without any of it they pass. */
export interface FaultRules {
  /** Everything is passed on this much later, in milliseconds; order is kept. */
  readonly delayMs?: number;
  /**
   * Bytes vanish; their sender believes they have arrived. What passes later comes behind a gap,
   * which TCP never has.
   */
  readonly drop?: boolean;
  /**
   * Nothing passes, not even the end of the connection, until this ends: a broken cable, mended
   * later.
   */
  readonly hold?: boolean;
}

/** Bytes that may be on their way before no more are read from the sender. */
const MAX_QUEUED_BYTES = 1024 * 1024;

interface Item {
  readonly dueAt: number;
  /** Hands it to the receiver. */
  readonly deliver: () => void;
  readonly bytes: number;
}

/** One direction of one connection through the proxy. */
export class OneWay {
  readonly #clock: Clock;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #queue: Item[] = [];
  #queuedBytes = 0;
  #rules: FaultRules;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, from: Socket, to: Socket, rules: FaultRules) {
    this.#clock = clock;
    this.#from = from;
    this.#to = to;
    this.#rules = rules;
    from.on('data', (chunk) => {
      if (!this.#rules.drop) this.#pass(chunk.length, () => to.write(chunk));
    });
    from.on('end', () => this.#pass(0, () => to.end()));
    from.on('error', () => this.#pass(0, () => reset(to)));
    from.on('close', () => this.#pass(0, () => to.destroySoon()));
    to.on('drain', () => this.#pump());
    to.on('close', () => this.#cancelTimer?.());
    this.setRules(rules);
  }

  setRules(rules: FaultRules): void {
    this.#rules = rules;
    this.#pump();
  }

  #pass(bytes: number, deliver: () => void): void {
    const last = this.#queue.at(-1)?.dueAt ?? 0;
    const dueAt = Math.max(last, this.#clock.now() + (this.#rules.delayMs ?? 0));
    this.#queue.push({ dueAt, deliver, bytes });
    this.#queuedBytes += bytes;
    this.#pump();
  }

  /** Delivers what is due and sets a timer for what is not. */
  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    while (this.#queue.length > 0 && !this.#rules.hold && !this.#to.writableNeedDrain) {
      const [item] = this.#queue as [Item];
      const delayMs = item.dueAt - this.#clock.now();
      if (delayMs > 0) {
        this.#cancelTimer = this.#clock.setTimer(() => this.#pump(), Math.ceil(delayMs));
        break;
      }
      this.#queue.shift();
      this.#queuedBytes -= item.bytes;
      item.deliver();
    }
    if (this.#rules.hold || this.#queuedBytes > MAX_QUEUED_BYTES) this.#from.pause();
    else this.#from.resume();
  }
}
