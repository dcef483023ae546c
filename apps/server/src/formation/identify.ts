import type { Clock, Logger, Random } from '@dle/common';
import {
  type Hello,
  PROTOCOL_RANGE,
  type RequestOptions,
  type Rpc,
  type Sockets,
  TcpClient,
} from '@dle/net';
import type { Member } from '../membership/member.js';
import type { Card } from './decide.js';
import { IDENTIFY, parseCard } from './parse-card.js';

/** Lane of the connections that carry nothing but `identify`. */
export const FORMING_LANE = 'forming';

/** How long one node may take to say who it is, in milliseconds. */
export const IDENTIFY_TIMEOUT_MS = 2_000;

export interface IdentifyComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sockets?: Sockets | undefined;
}

/** A way to ask whoever is at `address` who it is, for a node that calls itself `self`. */
export function identifyingClient(
  components: IdentifyComponents,
  self: Member,
  address: string,
): TcpClient {
  const { id, instance } = self;
  const hello = (): Hello => ({
    protocol: PROTOCOL_RANGE,
    role: 'member',
    lane: FORMING_LANE,
    node: id,
    instance,
  });
  return new TcpClient(components, {
    addresses: [address],
    hello,
    connectTimeoutMs: IDENTIFY_TIMEOUT_MS,
    backoff: { minMs: 50, maxMs: 500 },
  });
}

/** What the node at the other end says of itself. Rejects as a request does, or with `DLE_FORMAT`. */
export async function identify(rpc: Rpc, options: RequestOptions = {}): Promise<Card> {
  const { control } = await rpc.request({ op: IDENTIFY }, undefined, {
    timeoutMs: IDENTIFY_TIMEOUT_MS,
    ...options,
  });
  return parseCard(control);
}
