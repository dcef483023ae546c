import type { Link } from './link.js';

/** Which nodes can answer a call. */
export interface Route {
  /** Those that may be asked. */
  links(): readonly Link[];
  /** Begins to connect, if that has not begun. */
  start(): void;
  /**
   * The link to ask now: connected, and none that has fallen silent if there is a choice.
   * `undefined` while nothing is connected. `now`: monotonic milliseconds.
   */
  pick(now: number): Link | undefined;
}

/** To one node and no other. */
export function routeTo(link: Link): Route {
  return {
    links: () => [link],
    start: () => link.start(),
    pick: () => (link.rpc === undefined ? undefined : link),
  };
}
