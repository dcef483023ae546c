import { type Clock, DleError } from '@dle/common';

/** What happens to one direction. */
export interface FaultRules {
  /** Every chunk is passed on this much later, in milliseconds; order is kept. */
  readonly delayMs?: number;
  /** Bytes are taken and thrown away: the sender believes they were delivered. */
  readonly drop?: boolean;
  /** Nothing is read or passed on, and nobody is told: what came stays, until this ends. */
  readonly hold?: boolean;
}

export interface FaultProxyOptions {
  /** Where it leads, as `host:port`. */
  readonly target: string;
  /** Where it listens. Default `127.0.0.1`, a free port. */
  readonly host?: string;
  readonly port?: number;
}

/** A TCP proxy for tests that can delay, drop, hold and cut what passes through it. */
export class FaultProxy {
  constructor(_components: { readonly clock: Clock }, _options: FaultProxyOptions) {}

  /** Starts to listen; resolves to its address as `host:port`. */
  listen(): Promise<string> {
    return Promise.reject(new DleError('DLE_INTERNAL', 'not yet'));
  }

  /** Open connections through it. */
  get connections(): number {
    return 0;
  }

  /** What happens from now on to bytes from the side that connected, on all connections and later ones. */
  toTarget(_rules: FaultRules): void {}

  /** What happens from now on to bytes from the target. */
  fromTarget(_rules: FaultRules): void {}

  /** Both directions at once; `{}` heals. */
  both(_rules: FaultRules): void {}

  /** Resets every connection now. */
  cut(): void {}

  /** While `true`, new connections are reset as they come. */
  refuse(_refuse: boolean): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}
