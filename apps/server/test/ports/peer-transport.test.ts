import { silentLogger, systemClock, systemRandom } from '@dle/common';
import { type Acceptor, PROTOCOL_RANGE, TcpServer } from '@dle/net';
import { FaultProxy } from '@dle/net/testing';
import {
  type FaultyTransportUnderTest,
  type TransportEnd,
  transportComplianceSuite,
  transportFaultsComplianceSuite,
} from '@dle/raft/testing';
import { describe, it } from 'vitest';
import type { Member } from '../../src/membership/member.js';
import { PeerTransport } from '../../src/peers/peer-transport.js';

const CLUSTER = 'c1';
const COMPONENTS = { clock: systemClock, random: systemRandom, logger: silentLogger };

interface Node {
  readonly self: Member;
  readonly server: TcpServer;
  /** Where the others find it. */
  readonly proxy: FaultProxy;
  readonly transport: PeerTransport;
}

/** A node of nothing but its transport, which lets in whoever comes. */
async function start(id: number, hungUp: () => void = () => {}): Promise<Node> {
  const instance = `instance ${id}`;
  let transport: PeerTransport | undefined;
  const acceptor: Acceptor = {
    hello: () => ({ protocol: PROTOCOL_RANGE[1], node: id, instance, cluster: CLUSTER }),
    accepted: (rpc) => {
      transport!.addInbound(rpc);
      const closed = () => {
        transport!.removeInbound(rpc);
        if (rpc.hello.lane === 'control') hungUp();
      };
      return { ...transport!.handler(), closed };
    },
  };
  const server = new TcpServer({ ...COMPONENTS, acceptor }, { host: '127.0.0.1', port: 0 });
  const { host, port } = await server.listen();
  const proxy = new FaultProxy(COMPONENTS, { target: `${host}:${port}` });
  const self = { id, instance, address: await proxy.listen() };
  transport = new PeerTransport(COMPONENTS, {
    self,
    cluster: CLUSTER,
    hints: [],
    connectTimeoutMs: 2_000,
    partingMs: 1_000,
    card: () => ({ ...self, ids: [id] }),
    refused: () => {},
  });
  return { self, server, proxy, transport };
}

/** Two nodes with sockets, of which some know the members, and call them. */
async function underTest(isKnown: (caller: number) => boolean): Promise<FaultyTransportUnderTest> {
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
      await Promise.all(nodes.flatMap(({ server, proxy }) => [server.close(), proxy.close()]));
    },
    cut: () => {
      for (const { proxy } of nodes) {
        proxy.refuse(true);
        proxy.cut();
      }
    },
    heal: () => {
      for (const { proxy } of nodes) proxy.refuse(false);
    },
  };
}

describe('PeerTransport', () => {
  describe('between nodes that call each other', () => {
    transportComplianceSuite(it, () => underTest(() => true));
    transportFaultsComplianceSuite(it, () => underTest(() => true));
  });

  describe('from a node that knows nobody, and answers where it was asked', () => {
    transportComplianceSuite(it, () => underTest((caller) => caller === 1));
    transportFaultsComplianceSuite(it, () => underTest((caller) => caller === 1));
  });

  it('hangs up on one that has been removed, which would go on calling without being told', async () => {
    let hungUp: () => void = () => {};
    const isHungUp = new Promise<void>((resolve) => {
      hungUp = resolve;
    });
    const nodes = [await start(1, () => hungUp()), await start(2)] as const;
    const [remaining, removed] = nodes;
    const members = nodes.map(({ self }) => self);
    for (const { transport } of nodes) transport.setMembers(members);
    await new Promise<void>((resolve) => {
      remaining.transport.onMessage(() => resolve());
      const tick = { type: 'heartbeatResponse', from: 2, to: 1, term: 1 } as const;
      const cancel = setInterval(() => {
        if (removed.transport.peer(1)?.reachable !== true) return;
        clearInterval(cancel);
        removed.transport.send({ ...tick, round: 1, lostData: false });
      });
    });
    remaining.transport.setMembers([remaining.self]);
    await isHungUp;
    await Promise.all(nodes.map(({ transport }) => transport.close()));
    await Promise.all(nodes.flatMap(({ server, proxy }) => [server.close(), proxy.close()]));
  });
});
