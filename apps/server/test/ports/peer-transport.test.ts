import { silentLogger, systemClock, systemRandom } from '@dle/common';
import { type Acceptor, PROTOCOL_RANGE, TcpServer } from '@dle/net';
import {
  type TransportEnd,
  type TransportUnderTest,
  transportComplianceSuite,
} from '@dle/raft/testing';
import { describe, it } from 'vitest';
import type { Member } from '../../src/membership/member.js';
import { PeerTransport } from '../../src/peers/peer-transport.js';

const CLUSTER = 'c1';
const COMPONENTS = { clock: systemClock, random: systemRandom, logger: silentLogger };

interface Node {
  readonly self: Member;
  readonly server: TcpServer;
  readonly transport: PeerTransport;
}

/** A node of nothing but its transport, which lets in whoever comes. */
async function start(id: number): Promise<Node> {
  const instance = `instance ${id}`;
  let transport: PeerTransport | undefined;
  const acceptor: Acceptor = {
    hello: () => ({ protocol: PROTOCOL_RANGE[1], node: id, instance, cluster: CLUSTER }),
    accepted: (rpc) => {
      transport!.addInbound(rpc);
      return { ...transport!.handler(), closed: () => transport!.removeInbound(rpc) };
    },
  };
  const server = new TcpServer({ ...COMPONENTS, acceptor }, { host: '127.0.0.1', port: 0 });
  const { host, port } = await server.listen();
  const self = { id, instance, address: `${host}:${port}` };
  transport = new PeerTransport(COMPONENTS, {
    self,
    cluster: CLUSTER,
    hints: [],
    connectTimeoutMs: 2_000,
    partingMs: 1_000,
    card: () => ({ ...self, ids: [id] }),
    refused: () => {},
  });
  return { self, server, transport };
}

/** Two nodes with sockets; `known` are the members that they call. */
async function underTest(isKnown: (caller: number) => boolean): Promise<TransportUnderTest> {
  const nodes = [await start(1), await start(2)] as const;
  const members = nodes.map(({ self }) => self);
  for (const { self, transport } of nodes) if (isKnown(self.id)) transport.setMembers(members);
  const end = ({ self, transport }: Node): TransportEnd => ({
    id: self.id,
    transport,
    onMessage: (receive) => transport.onMessage(receive),
  });
  return {
    ends: [end(nodes[0]), end(nodes[1])],
    dispose: async () => {
      await Promise.all(nodes.map(({ transport }) => transport.close()));
      await Promise.all(nodes.map(({ server }) => server.close()));
    },
  };
}

describe('PeerTransport', () => {
  describe('between nodes that call each other', () => {
    transportComplianceSuite(it, () => underTest(() => true));
  });

  describe('from a node that knows nobody, and answers where it was asked', () => {
    transportComplianceSuite(it, () => underTest((caller) => caller === 1));
  });
});
