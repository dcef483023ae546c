import { type Clock, DleError, MAX_KEY_BYTES, MAX_VALUE_BYTES, systemClock } from '@dle/common';
import { afterEach, describe, expect, it } from 'vitest';
import { type CallOptions, Client, type ClientComponents } from '../src/index.js';
import { changeResult, putResult, transferResult } from '../src/protocol/index.js';
import { fastClock } from './support/fast-clock.js';
import { MemoryStore } from './support/memory-store.js';
import { silence, TestNode, type TestNodeOptions } from './support/test-node.js';

const toClose: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function startNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const node = await TestNode.start(options);
  toClose.push(() => node.stop());
  return node;
}

/** The first one leads, the others say so, and all see one store. */
async function startCluster(count = 3): Promise<TestNode[]> {
  const store = new MemoryStore();
  const nodes: TestNode[] = [];
  for (let node = 1; node <= count; node++) nodes.push(await startNode({ node, store }));
  for (const follower of nodes.slice(1)) follower.leader = nodes[0]!.address;
  return nodes;
}

/** An address where nobody listens. */
async function deadAddress(): Promise<string> {
  const node = await TestNode.start();
  await node.stop();
  return node.address;
}

function connect(
  nodes: readonly (TestNode | string)[],
  components: ClientComponents = {},
  options: { requestTimeoutMs?: number } = {},
): Client {
  const endpoints = nodes.map((node) => (typeof node === 'string' ? node : node.address));
  // Draws 0: the client begins at the first endpoint, and waits as shortly as it may.
  const random = { nextUint32: () => 0 };
  const client = new Client({ random, ...components }, { endpoints, ...options });
  toClose.push(() => client.close());
  return client;
}

/** What `promise` rejects with. */
async function failureOf(promise: Promise<unknown>): Promise<DleError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(DleError);
  return outcome as DleError;
}

/** Has a link to every node: asks each for its status over the client's own connections. */
async function warmUp(client: Client, nodes: readonly TestNode[]): Promise<void> {
  await Promise.all(nodes.map(({ address }) => client.status(address)));
}

const put = (client: Client, key: string, options?: CallOptions) => client.put(key, 'v', options);
const notLeader = (leader?: string) =>
  new DleError('DLE_NOT_LEADER', 'not the leader', {
    retryable: true,
    ...(leader === undefined ? {} : { details: { leader } }),
  });

describe('Client', () => {
  it('puts, gets and deletes any bytes', async () => {
    const client = connect([await startNode()]);
    const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(await client.put('Zürich', everyByte)).toEqual({ index: 1 });
    expect(new Uint8Array((await client.get(Buffer.from('Zürich')))!)).toEqual(everyByte);
    await client.put(everyByte, 'text');
    expect(Buffer.from((await client.get(everyByte))!).toString()).toBe('text');
    await client.put('', '');
    expect(await client.get('')).toHaveLength(0);
    expect(await client.del('Zürich')).toEqual({ index: 4, existed: true });
    expect(await client.del('Zürich')).toEqual({ index: 5, existed: false });
    expect(await client.get('Zürich')).toBeUndefined();
  });

  it('refuses what is over the limits, and text that has no UTF-8, before anything is sent', async () => {
    const node = await startNode();
    const client = connect([node]);
    const longKey = 'k'.repeat(MAX_KEY_BYTES + 1);
    const large = new Uint8Array(MAX_VALUE_BYTES + 1);
    expect(await failureOf(client.put(longKey, ''))).toMatchObject({ code: 'DLE_KEY_TOO_LARGE' });
    expect(await failureOf(client.get(longKey))).toMatchObject({ code: 'DLE_KEY_TOO_LARGE' });
    expect(await failureOf(client.put('', large))).toMatchObject({ code: 'DLE_VALUE_TOO_LARGE' });
    for (const bad of ['\ud800', 7 as never]) {
      expect(await failureOf(client.put(bad, ''))).toMatchObject({ code: 'DLE_INVALID_ARGUMENT' });
    }
    expect(node.connections).toBe(0);
  });

  it('refuses options that make no sense', () => {
    for (const endpoints of [[], ['nowhere'], ['host:0'], Array(65).fill('host:1')]) {
      expect(() => new Client({}, { endpoints })).toThrow(DleError);
    }
    for (const requestTimeoutMs of [0, -1, Number.NaN, 2 ** 31]) {
      expect(() => new Client({}, { endpoints: ['host:1'], requestTimeoutMs })).toThrow(/timeout/);
    }
  });

  it('keeps a thousand requests under way on one connection, all with one signal', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const node = await startNode();
    const client = connect([node]);
    const { signal } = new AbortController();
    const keys = Array.from({ length: 1_000 }, (_, number) => `key ${number}`);
    await Promise.all(keys.map((key) => put(client, key, { signal })));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    expect(node.store.pairs.size).toBe(1_000);
    expect(node.connections).toBe(1);
  });

  it('ends what is under way when it is closed, and takes nothing any more', async () => {
    const node = await startNode();
    node.behaviour = silence;
    const client = connect([node]);
    const waiting = connect([await deadAddress()], {}, { requestTimeoutMs: 1_000_000 });
    const sent = failureOf(client.put('a', ''));
    const unsent = failureOf(waiting.put('a', ''));
    while (node.requests.length === 0) await tick();
    await Promise.all([client.close(), waiting.close()]);
    expect(await sent).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN', effect: 'unknown' });
    expect(await unsent).toMatchObject({ code: 'DLE_CLOSED', effect: 'none' });
    expect(await failureOf(client.get('a'))).toMatchObject({ code: 'DLE_CLOSED' });
  });
});

/** Lets everything happen that is ready to. */
function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the leader', () => {
  it('is asked directly once a follower has passed something on', async () => {
    const [leader, second, third] = await startCluster();
    const client = connect([third!, second!, leader!]);
    await warmUp(client, [third!, second!, leader!]);
    await put(client, 'a');
    for (const key of ['b', 'c', 'd']) await put(client, key);
    expect(third!.asked).toEqual(['put a']);
    expect(leader!.asked).toEqual(['put b', 'put c', 'put d']);
    expect(second!.asked).toEqual([]);
  });

  it('is followed to an address that is none of the endpoints', async () => {
    const [leader, follower] = await startCluster(2);
    const client = connect([follower!]);
    await put(client, 'a');
    // Its connection is made meanwhile; until then the follower passes requests on.
    while (leader!.asked.length === 0) await client.get('a');
    expect(leader!.asked).toEqual(['get a']);
  });

  it('is followed when a node that does not lead refuses', async () => {
    const [leader, follower] = await startCluster(2);
    follower!.behaviour = () => {
      throw notLeader(leader!.address);
    };
    const client = connect([follower!]);
    await put(client, 'a');
    await put(client, 'b');
    expect(follower!.asked).not.toContain('put b');
    expect(leader!.asked).toEqual(['put a', 'put b']);
  });

  it('is found by asking the others when a node that does not lead says nothing of it', async () => {
    const [leader, follower] = await startCluster(2);
    follower!.behaviour = () => {
      throw notLeader();
    };
    const client = connect([follower!, leader!]);
    await warmUp(client, [follower!, leader!]);
    await put(client, 'a');
    await put(client, 'b');
    expect(leader!.asked).toEqual(['put a', 'put b']);
  });

  it('that changes is followed again', async () => {
    const [first, second] = await startCluster(2);
    const client = connect([first!, second!]);
    await warmUp(client, [first!, second!]);
    await put(client, 'a');
    first!.leader = second!.address;
    second!.leader = undefined;
    await put(client, 'b');
    await put(client, 'c');
    expect(first!.asked).toEqual(['put a', 'put b']);
    expect(second!.asked).toEqual(['put c']);
  });

  it.each([
    ['nobody listens', () => deadAddress()],
    ['is not an address', async () => 'nonsense'],
  ])('is sought no further where a hint leads to what %s', async (_, address) => {
    const node = await startNode();
    node.leader = await address();
    const client = connect([node]);
    for (const key of ['a', 'b', 'c']) await put(client, key);
    expect(node.asked).toEqual(['put a', 'put b', 'put c']);
  });

  it('is asked for a read by its lease', async () => {
    const [leader, follower] = await startCluster(2);
    const client = connect([follower!]);
    while (leader!.asked.length === 0) await client.get('a', { level: 'lease' });
    const before = follower!.asked.length;
    await client.get('a', { level: 'lease' });
    expect(follower!.asked).toHaveLength(before);
    expect(leader!.asked).toEqual(['get a', 'get a']);
  });

  it.each(['stale', 'follower'] as const)('is not asked for a %s read', async (level) => {
    const [leader, follower] = await startCluster(2);
    const client = connect([follower!]);
    await put(client, 'a');
    while (leader!.asked.length === 0) await client.get('a');
    const before = follower!.asked.length;
    await client.get('a', { level });
    await put(client, 'b');
    expect(follower!.asked).toHaveLength(before + 1);
    expect(leader!.asked.at(-1)).toBe('put b');
  });
});

describe('when nodes fail', () => {
  it('the others are asked from the beginning', async () => {
    const [leader, follower] = await startCluster(2);
    const client = connect([await deadAddress(), follower!, leader!]);
    await put(client, 'a');
    expect(leader!.store.pairs.size).toBe(1);
  });

  it('the others are asked once the leader is down', async () => {
    const [leader, second, third] = await startCluster();
    const client = connect([leader!, second!, third!]);
    await warmUp(client, [leader!, second!, third!]);
    await put(client, 'a');
    await leader!.stop();
    second!.leader = undefined;
    third!.leader = second!.address;
    for (const key of ['b', 'c']) await put(client, key);
    expect(second!.store.pairs.size).toBe(3);
  });

  it('a node that comes back is used again', async () => {
    const node = await startNode();
    const client = connect([node]);
    await put(client, 'a');
    await node.stop();
    const during = put(client, 'b');
    await node.restart();
    await during;
    expect(node.asked).toEqual(['put a', 'put b']);
  });

  it('says at the end what every endpoint said, and that nothing was done', async () => {
    const dead = await deadAddress();
    const refusing = await startNode();
    // Time passes when a node answers, and never while a request is on its way.
    let now = 0;
    refusing.behaviour = () => {
      now += 10_000;
      throw new DleError('DLE_UNAVAILABLE', 'no leader now', { retryable: true });
    };
    const clock = { ...systemClock, now: () => now };
    const client = connect([dead, refusing], { clock }, { requestTimeoutMs: 300_000 });
    const calls = [put(client, 'a'), client.get('a'), client.del('a')];
    for (const error of await Promise.all(calls.map(failureOf))) {
      expect(error).toMatchObject({ code: 'DLE_TIMEOUT', effect: 'none', retryable: true });
      expect(error.message).toContain('300000 ms');
      expect(error.message).toMatch(new RegExp(`${dead} \\(.*ECONNREFUSED`));
      expect(error.message).toContain(`${refusing.address} (DLE_UNAVAILABLE: no leader now)`);
    }
  });

  it('tries again until there is a leader', async () => {
    const node = await startNode();
    let refusals = 3;
    node.behaviour = () => {
      if (refusals-- === 0) return undefined;
      throw new DleError('DLE_UNAVAILABLE', 'no leader now', { retryable: true });
    };
    await put(connect([node]), 'a');
    expect(node.asked).toEqual(Array(4).fill('put a'));
  });

  it('does not begin again with a node that could not do it', async () => {
    const [refusing, other] = [await startNode(), await startNode()];
    refusing.behaviour = () => {
      throw new DleError('DLE_UNAVAILABLE', 'being formed', { retryable: true });
    };
    const client = connect([refusing, other]);
    await warmUp(client, [refusing, other]);
    for (const key of ['a', 'b']) await client.get(key, { level: 'stale' });
    expect(refusing.asked).toEqual(['get a']);
    expect(other.asked).toEqual(['get a', 'get b']);
  });

  it('does not stay with a node that could not do it because the endpoint before it is down', async () => {
    const [removed, leader] = [await startNode(), await startNode()];
    removed!.behaviour = () => {
      throw new DleError('DLE_MEMBER_REMOVED', 'this node is none', { retryable: true });
    };
    const client = connect([await deadAddress(), removed!, leader!], { clock: fastClock });
    await Promise.all([removed!, leader!].map(({ address }) => client.status(address)));
    await put(client, 'a');
    expect(removed!.asked).toEqual(['put a']);
    expect(leader!.asked).toEqual(['put a']);
  });

  it('tries an overloaded leader again, and does not trouble the others', async () => {
    const [leader, follower] = await startCluster(2);
    leader!.once(() => {
      throw new DleError('DLE_OVERLOADED', 'too much', { retryable: true });
    });
    const client = connect([leader!, follower!]);
    await warmUp(client, [leader!, follower!]);
    await put(client, 'a');
    expect(leader!.asked).toEqual(['put a', 'put a']);
    expect(follower!.asked).toEqual([]);
  });

  it('does not try again what cannot succeed', async () => {
    const node = await startNode();
    node.behaviour = () => {
      throw new DleError('DLE_DISK_FULL', 'full');
    };
    expect(await failureOf(put(connect([node]), 'a'))).toMatchObject({ code: 'DLE_DISK_FULL' });
    expect(node.asked).toEqual(['put a']);
  });

  it('a read is tried elsewhere when its connection is cut, and when its node hangs', async () => {
    const [hanging, cut, whole] = await startCluster();
    const client = connect([hanging!, cut!, whole!], { clock: fastClock });
    await warmUp(client, [hanging!, cut!, whole!]);
    hanging!.behaviour = silence;
    cut!.behaviour = (_, rpc) => {
      rpc.close();
      return new Promise(() => {});
    };
    whole!.leader = undefined;
    expect(await client.get('a')).toBeUndefined();
    expect([hanging!, whole!].map(({ asked }) => asked.length)).toEqual([1, 1]);
    // It may be connected again before its turn is over.
    expect(cut!.asked.length).toBeGreaterThanOrEqual(1);
    await put(client, 'b');
    expect(whole!.asked).toEqual(['get a', 'put b']);
  });

  it('asks a node again that has paused, though another one goes on saying that it is no help', async () => {
    const [leader, useless] = await startCluster(2);
    const client = connect([leader!, useless!], { clock: fastClock });
    await warmUp(client, [leader!, useless!]);
    useless!.behaviour = () => {
      throw new DleError('DLE_UNAVAILABLE', 'not in a cluster yet', { retryable: true });
    };
    leader!.behaviour = silence;
    await failureOf(client.get('a', { timeoutMs: 4_000 }));
    leader!.behaviour = () => undefined;
    expect(await client.get('a', { timeoutMs: 60_000 })).toBeUndefined();
  });

  it('turns away from a node that owes every answer, while the calls that wait go on waiting', async () => {
    const [leader, other] = await startCluster(2);
    const client = connect([leader!, other!], { clock: fastClock });
    await warmUp(client, [leader!, other!]);
    await put(client, 'a');
    leader!.behaviour = silence;
    other!.leader = undefined;
    const stuck = failureOf(put(client, 'b'));
    const seen = new Promise<void>((resolve) => fastClock.setTimer(resolve, 2_500));
    await seen;
    await put(client, 'c');
    expect(other!.asked).toEqual(['put c']);
    expect(await stuck).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN' });
  });
});

describe('a write of unknown outcome', () => {
  const writes = [
    ['put', (client: Client, options?: CallOptions) => client.put('a', 'v', options)],
    ['del', (client: Client, options?: CallOptions) => client.del('a', options)],
  ] as const;

  it.each(writes)('%s: its connection is cut: it is sent exactly once', async (name, write) => {
    const [leader, follower] = await startCluster(2);
    const client = connect([leader!, follower!]);
    await warmUp(client, [leader!, follower!]);
    leader!.behaviour = (_, rpc) => {
      rpc.close();
      return new Promise(() => {});
    };
    const error = await failureOf(write(client));
    expect(error).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN', effect: 'unknown' });
    expect(error.message).toContain(leader!.address);
    expect([...leader!.asked, ...follower!.asked]).toEqual([`${name} a`]);
  });

  it.each(writes)('%s: nobody answers in time: it is sent exactly once', async (name, write) => {
    const node = await startNode();
    const timeoutMs = 300_000;
    // It has passed as soon as the node has been asked.
    let passedMs = 0;
    let timeOut = (): void => {};
    node.behaviour = (...asked) => {
      passedMs = timeoutMs;
      timeOut();
      return silence(...asked);
    };
    const setTimer: Clock['setTimer'] = (callback, delayMs) => {
      if (delayMs > timeoutMs / 2) timeOut = callback;
      return systemClock.setTimer(callback, delayMs);
    };
    const now = (): number => systemClock.now() + passedMs;
    const client = connect([node], { clock: { ...systemClock, now, setTimer } });
    const error = await failureOf(write(client, { timeoutMs }));
    expect(error).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN', effect: 'unknown' });
    expect(node.asked).toEqual([`${name} a`]);
  });

  it.each(writes)('%s: the node itself cannot tell', async (name, write) => {
    const node = await startNode();
    for (const code of ['DLE_OUTCOME_UNKNOWN', 'DLE_CONNECTION_LOST', 'DLE_INTERNAL'] as const) {
      node.once(() => {
        throw new DleError(code, 'gone', { effect: 'unknown', retryable: true });
      });
      const error = await failureOf(write(connect([node])));
      expect(error).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN', effect: 'unknown' });
    }
    expect(node.asked).toEqual(Array(3).fill(`${name} a`));
  });

  it.each(writes)('%s: the answer makes no sense', async (_, write) => {
    const node = await startNode();
    node.behaviour = () => ({ control: { index: 'one' } });
    const error = await failureOf(write(connect([node])));
    expect(error).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN', effect: 'unknown' });
  });

  it.each(writes)('%s: it is given up after it was sent', async (_, write) => {
    const node = await startNode();
    const controller = new AbortController();
    node.behaviour = () => {
      controller.abort();
      return new Promise(() => {});
    };
    const error = await failureOf(write(connect([node]), { signal: controller.signal }));
    expect(error).toMatchObject({ code: 'DLE_ABORTED', effect: 'unknown' });
  });
});

describe('a change of members', () => {
  const refused = (reason: string, retryable: boolean) =>
    new DleError('DLE_CHANGE_REFUSED', `no: ${reason}`, { retryable, details: { reason } });

  it('is tried again while the leader asks for patience, at the leader', async () => {
    const [leader, follower] = await startCluster(2);
    const client = connect([leader!, follower!], { clock: fastClock });
    let tries = 0;
    leader!.behaviour = () => {
      if (++tries < 4) throw refused('notCaughtUp', true);
      return changeResult({ index: 9 });
    };
    expect(await client.promoteMember(4)).toEqual({ index: 9 });
    expect(leader!.asked).toEqual(Array(4).fill('promoteMember'));
    expect(follower!.asked).toEqual([]);
  });

  it('that is refused says why: at once, or when its time is over', async () => {
    const node = await startNode();
    // Time passes while the node thinks, and only then: waits between tries take none.
    let now = 0;
    const clock: Clock = {
      now: () => now,
      defer: systemClock.defer,
      setTimer: (callback, ms) => (ms < 1_000 ? systemClock.setTimer(callback, 0) : () => {}),
    };
    const client = connect([node], { clock }, { requestTimeoutMs: 20_000 });
    node.behaviour = () => {
      throw refused('wouldLoseQuorum', false);
    };
    const atOnce = await failureOf(client.removeMember(2));
    expect(atOnce).toMatchObject({ code: 'DLE_CHANGE_REFUSED', effect: 'none' });
    expect(node.asked).toEqual(['removeMember']);
    // After ten tries too little is left for another one.
    node.behaviour = () => {
      now += 1_996;
      throw refused('notCaughtUp', true);
    };
    const late = await failureOf(client.promoteMember(4));
    expect(node.asked).toHaveLength(11);
    expect(late).toMatchObject({
      code: 'DLE_CHANGE_REFUSED',
      details: { reason: 'notCaughtUp' },
    });
  });

  it('of unknown outcome is never sent twice', async () => {
    const node = await startNode();
    const client = connect([node]);
    node.behaviour = silence;
    const options = { timeoutMs: 2_000 };
    const failures = await Promise.all([
      failureOf(client.addMember(4, '127.0.0.1:9004', options)),
      failureOf(client.promoteMember(4, options)),
      failureOf(client.removeMember(4, options)),
      failureOf(client.transferLeadership(undefined, options)),
    ]);
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN', effect: 'unknown' });
    }
    expect(node.asked).toEqual(['addMember', 'promoteMember', 'removeMember', 'transfer']);
  });

  it('that replaces one adds the other first', async () => {
    const node = await startNode();
    node.behaviour = () => changeResult({ index: 3 });
    expect(await connect([node]).replaceMember(2, 4, '127.0.0.1:9004')).toEqual({ index: 3 });
    expect(node.requests).toMatchObject([
      { op: 'addMember', id: 4, address: '127.0.0.1:9004' },
      { op: 'replaceMember', id: 2, by: 4 },
    ]);
    const same = connect([node]).replaceMember(2, 2, '127.0.0.1:9002');
    expect(await failureOf(same)).toMatchObject({ code: 'DLE_INVALID_ARGUMENT' });
    expect(node.requests).toHaveLength(2);
  });

  it('of the leader is followed', async () => {
    const [first, second] = await startCluster(2);
    const client = connect([first!, second!]);
    await client.put('a', '1');
    first!.once(() => transferResult({ node: 2, leader: second!.address }));
    first!.leader = second!.address;
    second!.leader = undefined;
    expect(await client.transferLeadership(2)).toEqual({ node: 2 });
    await client.put('a', '2');
    expect(second!.asked).toEqual(['put a']);
  });
});

describe('giving up', () => {
  it('before anything is sent has no effect', async () => {
    const node = await startNode();
    const signal = AbortSignal.abort();
    const error = await failureOf(put(connect([node]), 'a', { signal }));
    expect(error).toMatchObject({ code: 'DLE_ABORTED', effect: 'none' });
    expect(node.asked).toEqual([]);
  });

  it('ends the wait for a connection', async () => {
    const controller = new AbortController();
    const call = put(connect([await deadAddress()]), 'a', { signal: controller.signal });
    await tick();
    controller.abort();
    expect(await failureOf(call)).toMatchObject({ code: 'DLE_ABORTED', effect: 'none' });
  });

  it('a read has no effect, sent or not', async () => {
    const node = await startNode();
    const controller = new AbortController();
    node.behaviour = () => {
      controller.abort();
      return new Promise(() => {});
    };
    const error = await failureOf(connect([node]).get('a', { signal: controller.signal }));
    expect(error).toMatchObject({ code: 'DLE_ABORTED', effect: 'none' });
  });
});

describe('status', () => {
  it('comes from the node that is asked, whether it is an endpoint or not', async () => {
    const [leader, second] = await startCluster(2);
    const client = connect([leader!]);
    expect(await client.status()).toEqual(leader!.status());
    expect(await client.status(leader!.address)).toEqual(leader!.status());
    expect(await client.status(second!.address)).toEqual(second!.status());
  });

  it('of a node that is down fails, though others are up', async () => {
    const dead = await deadAddress();
    const client = connect([await startNode(), dead]);
    const error = await failureOf(client.status(dead, { timeoutMs: 100 }));
    expect(error.code).toBe('DLE_TIMEOUT');
    expect(error.message).toMatch(new RegExp(`${dead} \\(.*ECONNREFUSED`));
  });

  it('that makes no sense is an error', async () => {
    const node = await startNode();
    node.statusOverrides = { term: -1 };
    expect(await failureOf(connect([node]).status())).toMatchObject({ code: 'DLE_FORMAT' });
  });
});

describe('dump', () => {
  async function startWithPairs(count: number): Promise<TestNode> {
    const node = await startNode();
    for (let pair = 0; pair < count; pair++) {
      const key = Buffer.from(`key ${pair}`);
      node.store.pairs.set(key.toString(), { key, value: Buffer.from(`value ${pair}`) });
    }
    node.store.maxPageBytes = 100;
    return node;
  }

  async function collect(client: Client): Promise<string[]> {
    const found: string[] = [];
    for await (const { key, value } of client.dump()) found.push(`${key}: ${value}`);
    return found;
  }

  it('brings every pair, over many pages, as it was at the beginning', async () => {
    const node = await startWithPairs(100);
    const client = connect([node]);
    const found: string[] = [];
    for await (const { key, value } of client.dump()) {
      if (found.length === 0) await put(client, 'later');
      found.push(`${Buffer.from(key)}: ${Buffer.from(value)}`);
    }
    expect(found).toEqual(Array.from({ length: 100 }, (_, pair) => `key ${pair}: value ${pair}`));
    expect(node.asked.filter((asked) => asked === 'dump').length).toBeGreaterThan(10);
    expect(node.store.snapshots.size).toBe(0);
  });

  it('of nothing is empty', async () => {
    expect(await collect(connect([await startNode()]))).toEqual([]);
  });

  it('that is left early lets go of the snapshot', async () => {
    const node = await startWithPairs(100);
    const client = connect([node]);
    for await (const _ of client.dump()) break;
    // Requests on one connection come in their order.
    await client.get('a');
    expect(node.asked).toEqual(['dump', 'release', 'get a']);
    expect(node.store.snapshots.size).toBe(0);
  });

  it('comes from the endpoint that was named', async () => {
    const [leader, second] = await startCluster(2);
    const client = connect([leader!]);
    for await (const _ of client.dump({ level: 'stale', endpoint: second!.address }));
    expect(second!.requests).toMatchObject([{ op: 'dump', level: 'stale' }]);
    expect(leader!.asked).toEqual([]);
  });

  it('never goes on at another node, nor at one that has forgotten it', async () => {
    const node = await startWithPairs(100);
    const other = await startNode({ store: node.store });
    const client = connect([node, other], {}, { requestTimeoutMs: 300 });
    for (const fail of [() => node.store.snapshots.clear(), () => node.stop()]) {
      const pairs = client.dump({ endpoint: node.address });
      await pairs.next();
      await fail();
      const error = await failureOf(drain(pairs));
      expect(error).toMatchObject({ code: 'DLE_CURSOR_LOST', effect: 'none' });
    }
    expect(other.asked).toEqual([]);
  });

  it('begins again at another node than the one that could not go on', async () => {
    const node = await startWithPairs(100);
    const other = await startNode({ store: node.store });
    const client = connect([node, other]);
    await warmUp(client, [node, other]);
    const pairs = client.dump();
    await pairs.next();
    node.behaviour = () => {
      throw new DleError('DLE_CURSOR_LOST', 'the data is damaged');
    };
    const lost = { code: 'DLE_CURSOR_LOST', message: 'the data is damaged' };
    expect(await failureOf(drain(pairs))).toMatchObject(lost);
    await drain(client.dump());
    expect(other.asked).toContain('dump');
  });

  it('never asks twice for a page that the node may have let go of', async () => {
    const node = await startWithPairs(100);
    const pairs = connect([node]).dump();
    await pairs.next();
    node.once((_, rpc) => {
      rpc.close();
      return new Promise(() => {});
    });
    expect(await failureOf(drain(pairs))).toMatchObject({ code: 'DLE_CURSOR_LOST' });
    expect(node.asked.slice(0, 2)).toEqual(['dump', 'dump']);
    expect(node.asked.slice(2)).not.toContain('dump');
  });

  it('never mixes two states', async () => {
    const node = await startWithPairs(100);
    const pairs = connect([node]).dump();
    await pairs.next();
    node.once((request) => {
      const { control, raw } = node.store.answer(request);
      return { control: { ...control, index: 99 }, raw: raw! };
    });
    expect(await failureOf(drain(pairs))).toMatchObject({ code: 'DLE_CURSOR_LOST' });
  });

  it('ends when it is given up', async () => {
    const node = await startWithPairs(100);
    const controller = new AbortController();
    const pairs = connect([node]).dump({ signal: controller.signal });
    await pairs.next();
    controller.abort();
    expect(await failureOf(drain(pairs))).toMatchObject({ code: 'DLE_ABORTED' });
  });
});

async function drain(pairs: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pairs);
}

describe('what a node says that is no answer', () => {
  it('to a read is an error, not a value', async () => {
    const node = await startNode();
    node.behaviour = () => putResult({ index: 1 });
    expect(await failureOf(connect([node]).get('a'))).toMatchObject({ code: 'DLE_FORMAT' });
  });
});
