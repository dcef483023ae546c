import { DleError } from '@dle/common';
import { describe, expect, test } from 'vitest';
import { type Control, MAX_CLIENT_BODY_BYTES, type RpcHandler } from '../src/index.js';
import { VirtualClock } from './support/virtual-clock.js';
import {
  connectedPair,
  failure,
  MEMBER_HELLO,
  makeClient,
  startProxy,
  startServer,
  until,
} from './support/world.js';

/** A handler whose answers are given by hand. */
class Desk implements RpcHandler {
  readonly waiting: { control: Control; answer: () => void; refuse: (error: Error) => void }[] = [];

  request(control: Control, raw: Uint8Array): Promise<{ control: Control; raw: Uint8Array }> {
    return new Promise((resolve, refuse) => {
      this.waiting.push({ control, answer: () => resolve({ control, raw }), refuse });
    });
  }
}

describe('requests', () => {
  test('are answered, both ways on one connection', async () => {
    const { rpc, peer } = await connectedPair(
      { handler: { request: (control) => ({ control: { server: control.n } }) } },
      { handler: { request: (control) => ({ control: { client: control.n } }) } },
    );
    expect((await rpc.request({ n: 1 })).control).toEqual({ server: 1 });
    expect((await peer.request({ n: 2 })).control).toEqual({ client: 2 });
  });

  test('256 in flight, answered in another order, get their own answers', async () => {
    const desk = new Desk();
    const { rpc } = await connectedPair({ handler: desk });
    const asked = Array.from({ length: 256 }, (_, n) =>
      rpc.request({ n }, Buffer.from(`raw ${n}`)),
    );
    await until(() => desk.waiting.length === 256);
    // 37 and 256 have no common divisor: each is answered once.
    for (let turn = 0; turn < 256; turn++) desk.waiting[(turn * 37) % 256]!.answer();
    const replies = await Promise.all(asked);
    replies.forEach(({ control, raw }, n) => {
      expect(control).toEqual({ n });
      expect(Buffer.from(raw).toString()).toBe(`raw ${n}`);
    });
  });

  test('raw may come in parts, and answers too', async () => {
    const { rpc } = await connectedPair({
      handler: { request: (control, raw) => ({ control, raw: [raw, Buffer.from('!'), raw] }) },
    });
    const { raw } = await rpc.request({}, [Buffer.from('ab'), Buffer.alloc(0), Buffer.from('c')]);
    expect(Buffer.from(raw).toString()).toBe('abc!abc');
  });

  test('every byte value, and no bytes at all, arrive as they are', async () => {
    const { rpc } = await connectedPair();
    const all = Uint8Array.from({ length: 256 }, (_, value) => value);
    expect(Buffer.compare((await rpc.request({}, all)).raw, all)).toBe(0);
    expect((await rpc.request({}, new Uint8Array(0))).raw).toHaveLength(0);
  });

  test('a body of the limit arrives; one byte more is DLE_FRAME_TOO_LARGE here and leaves the connection alone', async () => {
    const { rpc } = await connectedPair();
    const raw = new Uint8Array(MAX_CLIENT_BODY_BYTES - 1).map((_, at) => at * 31 + (at >> 12));
    const reply = await rpc.request({}, raw);
    expect(Buffer.compare(reply.raw, raw)).toBe(0);
    const tooLarge = new Uint8Array(MAX_CLIENT_BODY_BYTES);
    expect(await failure(rpc.request({}, tooLarge))).toMatchObject({
      code: 'DLE_FRAME_TOO_LARGE',
      effect: 'none',
    });
    expect((await rpc.request({ still: 'there' })).control).toEqual({ still: 'there' });
  });

  test('between members a body may be larger', async () => {
    const { rpc } = await connectedPair({}, { hello: () => MEMBER_HELLO });
    const raw = new Uint8Array(MAX_CLIENT_BODY_BYTES * 2).fill(3);
    expect(Buffer.compare((await rpc.request({}, raw)).raw, raw)).toBe(0);
  });
});

describe('errors cross the wire', () => {
  async function thrown(error: unknown): Promise<DleError> {
    const { rpc } = await connectedPair({
      handler: {
        request: () => {
          throw error;
        },
      },
    });
    return failure(rpc.request({}));
  }

  test.each([
    ['DLE_NOT_LEADER', true, 'none'],
    ['DLE_OUTCOME_UNKNOWN', false, 'unknown'],
    ['DLE_FROM_A_NEWER_VERSION', true, 'unknown'],
  ] as const)('%s as it was, retryable %s, effect %s', async (code, retryable, effect) => {
    const details = { leader: '127.0.0.1:9002', term: 4 };
    const error = await thrown(
      new DleError(code as 'DLE_NOT_LEADER', 'not here', { retryable, effect, details }),
    );
    expect(error).toMatchObject({ code, message: 'not here', retryable, effect, details });
  });

  test('anything else as DLE_INTERNAL of unknown effect, and into the log with its stack', async () => {
    const bug = new TypeError('undefined is not a function');
    const { rpc, logger } = await connectedPair({
      handler: { request: () => Promise.reject(bug) },
    });
    expect(await failure(rpc.request({}))).toMatchObject({
      code: 'DLE_INTERNAL',
      effect: 'unknown',
      message: bug.message,
    });
    expect(logger.at('error').map(({ fields }) => fields.err)).toEqual([bug]);
  });

  test('a very long message is cut', async () => {
    const error = await thrown(new DleError('DLE_INTERNAL', 'x'.repeat(100_000)));
    expect(error.message.length).toBeLessThan(3_000);
  });

  test('an answer that is too large, or cannot be written, is an error of unknown effect', async () => {
    const { rpc } = await connectedPair({
      handler: {
        request: ({ large }) => ({
          control: large ? {} : { text: 'x'.repeat(2 * 1024 * 1024) },
          raw: new Uint8Array(large ? MAX_CLIENT_BODY_BYTES : 0),
        }),
      },
    });
    for (const large of [true, false]) {
      expect(await failure(rpc.request({ large }))).toMatchObject({
        code: 'DLE_FRAME_TOO_LARGE',
        effect: 'unknown',
      });
    }
  });

  test('a side that answers no requests says so', async () => {
    const { peer } = await connectedPair();
    expect(await failure(peer.request({}))).toMatchObject({ code: 'DLE_INVALID_ARGUMENT' });
  });
});

describe('messages', () => {
  test('arrive in order, and what their handler throws harms nobody', async () => {
    const heard: unknown[] = [];
    const { rpc, logger } = await connectedPair({
      handler: {
        message: (control, raw) => {
          heard.push([control.n, Buffer.from(raw).toString()]);
          if (control.n === 1) throw new Error('oops');
        },
      },
    });
    for (let n = 0; n < 3; n++) rpc.send({ n }, Buffer.from(`m${n}`));
    await until(() => heard.length === 3);
    expect(heard).toEqual([
      [0, 'm0'],
      [1, 'm1'],
      [2, 'm2'],
    ]);
    expect(logger.at('error')).toHaveLength(1);
  });

  test('on a closed connection fail with effect none', async () => {
    const { rpc } = await connectedPair();
    rpc.close();
    expect(() => rpc.send({})).toThrow(
      expect.objectContaining({ code: 'DLE_CONNECTION_LOST', effect: 'none', retryable: true }),
    );
  });
});

describe('what a failed request may have done', () => {
  test('the connection breaks under it: DLE_CONNECTION_LOST, unknown', async () => {
    const desk = new Desk();
    const { address } = await startServer({ handler: desk });
    const { proxy, address: through } = await startProxy(address);
    const rpc = await makeClient([through]).connect();
    const asked = failure(rpc.request({}));
    await until(() => desk.waiting.length === 1);
    proxy.cut();
    expect(await asked).toMatchObject({
      code: 'DLE_CONNECTION_LOST',
      effect: 'unknown',
      retryable: true,
    });
  });

  test('it breaks before the bytes have left: DLE_CONNECTION_LOST, none', async () => {
    let asked: Promise<DleError> | undefined;
    let served = 0;
    const { peer } = await connectedPair(
      {
        handler: {
          request: () => {
            served++;
            return { control: {} };
          },
        },
      },
      {
        handler: {
          message: (_control, _raw, rpc) => {
            asked = failure(rpc.request({}));
          },
        },
      },
    );
    // Both in one packet: the request is still in the queue when the end is read.
    peer.send({});
    peer.close(new DleError('DLE_UNAVAILABLE', 'moving house'));
    expect(await await until(() => asked)).toMatchObject({
      code: 'DLE_CONNECTION_LOST',
      effect: 'none',
      retryable: true,
    });
    expect(served).toBe(0);
  });

  test('this side closes while it is queued: it still leaves, so DLE_CONNECTION_LOST, unknown', async () => {
    const desk = new Desk();
    const { rpc } = await connectedPair({ handler: desk });
    const asked = failure(rpc.request({}));
    rpc.close();
    expect(await asked).toMatchObject({ code: 'DLE_CONNECTION_LOST', effect: 'unknown' });
    await until(() => desk.waiting.length === 1);
  });

  test('there is no connection: DLE_CONNECTION_LOST, none', async () => {
    const { rpc } = await connectedPair();
    rpc.close();
    expect(await failure(rpc.request({}))).toMatchObject({
      code: 'DLE_CONNECTION_LOST',
      effect: 'none',
      retryable: true,
    });
  });

  test('no answer in time: DLE_TIMEOUT, unknown; and the late answer is dropped', async () => {
    const clock = new VirtualClock();
    const desk = new Desk();
    const { rpc } = await connectedPair({ handler: desk }, { clock });
    const asked = failure(rpc.request({}, undefined, { timeoutMs: 250 }));
    await until(() => desk.waiting.length === 1);
    clock.advance(249);
    clock.advance(1);
    expect(await asked).toMatchObject({ code: 'DLE_TIMEOUT', effect: 'unknown', retryable: true });
    desk.waiting[0]!.answer();
    const next = rpc.request({ n: 2 });
    await until(() => desk.waiting.length === 2);
    desk.waiting[1]!.answer();
    expect((await next).control).toEqual({ n: 2 });
  });

  test('aborted before it was made: DLE_ABORTED, none, and nothing is sent', async () => {
    const desk = new Desk();
    const { rpc } = await connectedPair({ handler: desk });
    const signal = AbortSignal.abort('changed my mind');
    expect(await failure(rpc.request({ n: 1 }, undefined, { signal }))).toMatchObject({
      code: 'DLE_ABORTED',
      effect: 'none',
      cause: 'changed my mind',
    });
    rpc.request({ n: 2 }).catch(() => {});
    await until(() => desk.waiting.length > 0);
    expect(desk.waiting.map(({ control }) => control)).toEqual([{ n: 2 }]);
  });

  test('aborted under way: DLE_ABORTED, unknown', async () => {
    const desk = new Desk();
    const { rpc } = await connectedPair({ handler: desk });
    const controller = new AbortController();
    const asked = failure(rpc.request({}, undefined, { signal: controller.signal }));
    await until(() => desk.waiting.length === 1);
    controller.abort();
    expect(await asked).toMatchObject({ code: 'DLE_ABORTED', effect: 'unknown' });
  });

  test('one signal for many requests, and many that wait to connect, is no leak to warn of', async () => {
    const desk = new Desk();
    const { rpc } = await connectedPair({ handler: desk });
    const nowhere = makeClient(['127.0.0.1:1']);
    const controller = new AbortController();
    const { signal } = controller;
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    const asked = Array.from({ length: 20 }, () => rpc.request({}, undefined, { signal }));
    const waiting = Array.from({ length: 20 }, () => nowhere.connect({ signal }));
    await until(() => desk.waiting.length === 20);
    controller.abort();
    const outcomes = await Promise.allSettled([...asked, ...waiting]);
    process.off('warning', warned);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(warnings).toEqual([]);
  });

  test.each([0, -1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY])(
    'a time-out of %d would be none: DLE_INVALID_ARGUMENT',
    async (timeoutMs) => {
      const { rpc } = await connectedPair();
      expect(await failure(rpc.request({}, undefined, { timeoutMs }))).toMatchObject({
        code: 'DLE_INVALID_ARGUMENT',
      });
    },
  );
});

describe('overload', () => {
  test('more bytes than may wait: DLE_OVERLOADED, none, at once; it passes', async () => {
    const { rpc } = await connectedPair({}, { maxQueuedBytes: 100_000 });
    const raw = new Uint8Array(40_000);
    const asked = [1, 2, 3, 4].map((n) => rpc.request({ n }, raw));
    expect(rpc.bufferedBytes).toBeLessThanOrEqual(100_000);
    const refused = await failure(asked[3]!);
    expect(refused).toMatchObject({ code: 'DLE_OVERLOADED', effect: 'none', retryable: true });
    await failure(asked[2]!);
    await Promise.all([asked[0], asked[1]]);
    expect(rpc.bufferedBytes).toBe(0);
    await rpc.request({}, raw);
  });

  test('a server whose handlers are busy stops reading, and goes on when they are done', async () => {
    const desk = new Desk();
    const { rpc } = await connectedPair({ handler: desk, maxHandlingBytes: 50_000 });
    const asked = Array.from({ length: 40 }, (_, n) => rpc.request({ n }, new Uint8Array(10_000)));
    await until(() => desk.waiting.length >= 5);
    // All that could come has had its chance: a ping goes around behind it.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(desk.waiting.length).toBe(5);
    let answered = 0;
    while (answered < 40) {
      await until(() => desk.waiting.length > answered);
      desk.waiting[answered++]!.answer();
    }
    expect(await Promise.all(asked)).toHaveLength(40);
  });
});

describe('close', () => {
  test('tells the other side why, and both owners', async () => {
    const closed: DleError[] = [];
    const { rpc, peer, client } = await connectedPair({
      handler: { closed: (_rpc, reason) => closed.push(reason) },
    });
    const reasons: DleError[] = [];
    client.onDisconnected((_rpc, reason) => reasons.push(reason));
    rpc.close(new DleError('DLE_UNAVAILABLE', 'moving house'));
    rpc.close(new DleError('DLE_INTERNAL', 'a second time'));
    await until(() => closed.length > 0);
    expect(closed).toHaveLength(1);
    expect(closed[0]).toMatchObject({ code: 'DLE_CONNECTION_LOST' });
    expect(closed[0]!.message).toContain('moving house (DLE_UNAVAILABLE)');
    expect(closed[0]!.cause).toMatchObject({ code: 'DLE_UNAVAILABLE' });
    expect(peer.closedReason).toBe(closed[0]);
    expect(rpc.closedReason).toMatchObject({ code: 'DLE_UNAVAILABLE' });
    expect(reasons).toEqual([rpc.closedReason]);
  });

  test('what was queued before it arrives', async () => {
    const heard: unknown[] = [];
    const { rpc } = await connectedPair({ handler: { message: ({ n }) => heard.push(n) } });
    for (let n = 0; n < 100; n++) rpc.send({ n }, new Uint8Array(10_000));
    rpc.close();
    await until(() => heard.length === 100);
  });
});
