import { DleError } from '@dle/common';
import { parseAddress } from '@dle/net';

export interface ClientOptions {
  /**
   * `host:port` of some nodes of the cluster, 1 to 64; best all of them. Any one that is up will
   * do: it passes on what only the leader can do, and says where the leader is.
   */
  readonly endpoints: readonly string[];
  /**
   * How long a call may try, in milliseconds, unless it says otherwise. Default 10,000: several
   * times what the cluster needs to find a new leader.
   */
  readonly requestTimeoutMs?: number;
}

/** Far more than any cluster has members. */
const MAX_ENDPOINTS = 64;

/** The longest that a timer takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const DEFAULT_REQUEST_TIMEOUT_MS = 10_000;

/** @throws DleError `DLE_INVALID_ARGUMENT` */
export function checkEndpoints(endpoints: readonly string[]): readonly string[] {
  if (!Array.isArray(endpoints) || endpoints.length === 0 || endpoints.length > MAX_ENDPOINTS) {
    const message = `endpoints must be 1 to ${MAX_ENDPOINTS} addresses of the form host:port`;
    throw new DleError('DLE_INVALID_ARGUMENT', message);
  }
  for (const endpoint of endpoints) parseAddress(endpoint);
  return [...new Set(endpoints)];
}

/** @throws DleError `DLE_INVALID_ARGUMENT` */
export function checkTimeout(timeoutMs: number): number {
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    const message = `a timeout must be more than 0 and at most ${MAX_TIMEOUT_MS} ms`;
    throw new DleError('DLE_INVALID_ARGUMENT', message);
  }
  return timeoutMs;
}
