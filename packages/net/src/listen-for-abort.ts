import { setMaxListeners } from 'node:events';

/**
 * Calls `onAbort` when `signal` aborts. Whoever calls takes the listener off again, so one signal
 * for thousands of calls is no leak to warn of.
 */
export function listenForAbort(signal: AbortSignal, onAbort: () => void): void {
  setMaxListeners(0, signal);
  signal.addEventListener('abort', onAbort, { once: true });
}
