import { EventQueue, InvariantViolation } from '@dle/raft/testing';

/** Events without any time passing, after which time counts as standing still. */
const MAX_EVENTS_AT_ONCE = 200_000;

/** What waits for the end of a pause finds out within that time that it has come early. */
const LOOK_AGAIN_MS = 100;

/** Whoever events happen to: a life of a process, or the network. */
export interface Actor {
  /** For the history. */
  readonly number: number;
  /** Nothing happens to it any more. */
  readonly gone: boolean;
  /** Until when whatever is due waits. */
  readonly pausedUntil: number;
  /** Nothing that happens to it resolves a promise: time need not wait for any. */
  readonly isPlain?: boolean;
}

/** The nemesis and the clients are no processes: nothing pauses or ends them. */
export const WORLD: Actor = { number: 0, gone: false, pausedUntil: 0 };

/** What is under way between hosts: processes learn of it by events of their own. */
export const NETWORK: Actor = { ...WORLD, isPlain: true };

interface Happening {
  readonly actor: Actor;
  readonly action: () => void;
  cancelled: boolean;
}

/** Time that passes from one event to the next: whatever waits, waits here. */
export class VirtualTime {
  readonly #queue = new EventQueue<Happening>();
  readonly #happened: (actor: Actor) => void;
  #now = 0;
  #events = 0;
  #eventsNow = 0;

  /** `happened` is told of each event once all that follows from it at once has been done. */
  constructor(happened: (actor: Actor) => void) {
    this.#happened = happened;
  }

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.#now;
  }

  /** How many have happened. */
  get events(): number {
    return this.#events;
  }

  /** Has `action` happen to `actor`, unless that is gone by then. Returns how to prevent it. */
  schedule(afterMs: number, actor: Actor, action: () => void): () => void {
    const happening = { actor, action, cancelled: false };
    this.#queue.schedule(this.#now + afterMs, happening);
    return () => {
      happening.cancelled = true;
    };
  }

  /** Lets all happen that follows from what was asked for beside the events, without time passing. */
  settle(): Promise<void> {
    return drained();
  }

  /** Lets the next event happen, with all that follows from it without time passing. */
  async proceed(): Promise<void> {
    const { events } = this;
    await this.proceedUntil(() => this.#events > events);
  }

  /** Lets event after event happen, until it is so. */
  async proceedUntil(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      const { actor, action } = this.#next();
      this.#events++;
      try {
        action();
      } catch (cause) {
        // What a process throws whose machine has just been switched off, nobody hears.
        if (!actor.gone)
          throw new InvariantViolation(`thrown into the event loop: ${cause}`, { cause });
      }
      if (actor.isPlain !== true) await drained();
      this.#happened(actor);
    }
  }

  #next(): Happening {
    for (;;) {
      const next = this.#queue.next();
      if (next === undefined) throw new InvariantViolation('nothing will ever happen again');
      const { time, item } = next;
      if (item.cancelled || item.actor.gone) continue;
      this.#pass(time);
      const { pausedUntil } = item.actor;
      if (pausedUntil <= this.#now) return item;
      this.#queue.schedule(Math.min(pausedUntil, this.#now + LOOK_AGAIN_MS), item);
    }
  }

  #pass(time: number): void {
    this.#eventsNow = time > this.#now ? 0 : this.#eventsNow + 1;
    this.#now = Math.max(this.#now, time);
    if (this.#eventsNow > MAX_EVENTS_AT_ONCE) throw new InvariantViolation('time stands still');
  }
}

/**
 * Resolves when no promise has anything left to do: a tick that is asked for by a microtask comes
 * after all of them.
 */
function drained(): Promise<void> {
  return new Promise((resolve) => {
    queueMicrotask(() => process.nextTick(resolve));
  });
}
