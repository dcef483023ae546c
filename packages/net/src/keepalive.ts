import type { Clock } from '@dle/common';

/** Intervals of silence after which the other side is given up. */
const MAX_SILENT_INTERVALS = 2;

export interface KeepaliveComponents {
  readonly clock: Clock;
  /** Sends a ping: a sign of life that asks for one. */
  readonly ping: () => void;
  /** The other side has been silent for too long. */
  readonly dead: (silentMs: number) => void;
}

/**
 * Tells a silent connection from a dead one. Each side says something at least once an interval,
 * and asks when it has heard nothing for one. After two to three intervals of silence the other
 * side counts as dead. Not by the time of the last byte: a process that was stopped for a minute
 * must first get to read what came meanwhile.
 */
export class Keepalive {
  readonly #clock: Clock;
  readonly #ping: () => void;
  readonly #dead: (silentMs: number) => void;
  readonly #intervalMs: number;
  #cancel: (() => void) | undefined;
  #heard = true;
  #said = true;
  #deaf = false;
  #silentIntervals = 0;

  constructor(components: KeepaliveComponents, options: { readonly intervalMs: number }) {
    this.#clock = components.clock;
    this.#ping = components.ping;
    this.#dead = components.dead;
    this.#intervalMs = options.intervalMs;
  }

  start(): void {
    this.#cancel = this.#clock.setTimer(() => this.#tick(), this.#intervalMs);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The other side has given a sign of life. */
  heard(): void {
    this.#heard = true;
  }

  /** Something was put on its way. */
  said(): void {
    this.#said = true;
  }

  /** While this side does not listen, because its own handlers are busy, silence means nothing. */
  setDeaf(deaf: boolean): void {
    this.#deaf = deaf;
  }

  #tick(): void {
    this.#silentIntervals = this.#heard || this.#deaf ? 0 : this.#silentIntervals + 1;
    if (!this.#heard || !this.#said) this.#ping();
    this.#heard = false;
    this.#said = false;
    this.start();
    if (this.#silentIntervals < MAX_SILENT_INTERVALS) return;
    // The timer may come before bytes that have long arrived: those are read first.
    this.#clock.defer(() => {
      if (this.#cancel === undefined || this.#heard) return;
      this.#dead(this.#silentIntervals * this.#intervalMs);
    });
  }
}
