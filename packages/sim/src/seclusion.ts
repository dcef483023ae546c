import { Socket } from 'node:net';
import { InvariantViolation } from '@dle/raft/testing';

/** What looks at, or waits for, the world outside. */
const OUTSIDE: readonly (readonly [owner: object, name: string])[] = [
  [globalThis, 'setTimeout'],
  [globalThis, 'setImmediate'],
  [globalThis.performance, 'now'],
  [Date, 'now'],
  [Math, 'random'],
  [Socket.prototype, 'connect'],
];

/** Whoever asks for that only wants the process to stay: 12 days, in milliseconds. */
const NEVER_MS = 2 ** 30;

/**
 * Runs `action` with the clock, the chance and the network of the machine out of reach: whoever
 * reaches for them would make a run that cannot be repeated. Nothing else gets its turn meanwhile,
 * as a run does not go through the event loop.
 */
export async function secluded<T>(action: () => Promise<T>): Promise<T> {
  const kept = OUTSIDE.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name));
  const reached: string[] = [];
  for (const [owner, name] of OUTSIDE) {
    const refuse = (): never => {
      reached.push(name);
      throw new InvariantViolation(`something reaches for the real ${name}`);
    };
    define(owner, name, refuse);
  }
  const { setInterval } = globalThis;
  define(globalThis, 'setInterval', (callback: () => void, delayMs: number) => {
    if (delayMs < NEVER_MS)
      throw new InvariantViolation('something reaches for the real setInterval');
    // What is held that way would hold all that its process had, and nobody lets go of it when that
    // has crashed.
    const timer = setInterval(callback, delayMs);
    clearInterval(timer);
    return timer;
  });
  try {
    const result = await action();
    if (reached.length === 0) return result;
    throw new InvariantViolation(`something reached for the real ${reached[0]}`);
  } finally {
    globalThis.setInterval = setInterval;
    for (const [at, [owner, name]] of OUTSIDE.entries()) {
      const descriptor = kept[at];
      if (descriptor === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, descriptor);
    }
  }
}

function define(owner: object, name: string, value: unknown): void {
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
}
