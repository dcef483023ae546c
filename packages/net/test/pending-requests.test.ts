import { DleError } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reply } from '../src/index.js';
import { MAX_PENDING_REQUESTS, PendingRequests } from '../src/pending-requests.js';
import { VirtualClock } from './support/virtual-clock.js';
import { failure } from './support/world.js';

const reply: Reply = { control: {}, raw: new Uint8Array(0) };

function world(): { clock: VirtualClock; pending: PendingRequests; ask: typeof ask } {
  const clock = new VirtualClock();
  const pending = new PendingRequests({ clock });
  let frames = 0;
  function ask(timeoutMs: number, signal?: AbortSignal): { id: number; answer: Promise<Reply> } {
    const id = pending.nextId();
    const options = { frame: ++frames, timeoutMs, signal };
    const answer = new Promise<Reply>((resolve, reject) =>
      pending.wait(id, { succeed: resolve, fail: reject }, options),
    );
    return { id, answer };
  }
  return { clock, pending, ask };
}

test('answers in any order reach those who asked', async () => {
  const { pending, ask } = world();
  const asked = [ask(100), ask(100), ask(100)];
  for (const { id } of [...asked].reverse()) pending.succeed(id, { ...reply, control: { id } });
  const ids = await Promise.all(asked.map(async ({ answer }) => (await answer).control.id));
  expect(ids).toEqual(asked.map(({ id }) => id));
  expect(pending.size).toBe(0);
});

test('an id that nobody waits for, or not any more, changes nothing', async () => {
  const { pending, ask } = world();
  const { id, answer } = ask(100);
  pending.succeed(id + 1, reply);
  pending.succeed(id, reply);
  pending.fail(id, new DleError('DLE_INTERNAL', 'too late'));
  expect(await answer).toBe(reply);
});

test('whoever waits is answered once, whatever waits beside it and for how long', () => {
  const answered = (chance: number) =>
    fc.record({ answers: fc.constant(true), chance: fc.nat(chance) });
  const asked = fc.constant({ answers: false, chance: 0 });
  fc.assert(
    fc.property(fc.array(fc.oneof(asked, answered(1_000)), { maxLength: 300 }), (steps) => {
      const pending = new PendingRequests({ clock: new VirtualClock() });
      const waiting = new Map<number, number>();
      const told: string[] = [];
      let frame = 0;
      for (const { answers, chance } of steps) {
        const ids = [...waiting.keys()];
        const id = answers ? (ids[chance % Math.max(1, ids.length)] ?? 7) : pending.nextId();
        if (answers) {
          const number = waiting.get(id);
          expect(pending.has(id)).toBe(waiting.delete(id));
          pending.succeed(id, reply);
          expect(told.splice(0)).toEqual(number === undefined ? [] : [`succeeded ${number}`]);
        } else {
          expect(waiting.has(id)).toBe(false);
          const number = ++frame;
          const tell = (how: string) => () => told.push(`${how} ${number}`);
          const waiter = { succeed: tell('succeeded'), fail: tell('failed') };
          pending.wait(id, waiter, { frame: number, timeoutMs: 100, signal: undefined });
          waiting.set(id, number);
        }
        expect(pending.size).toBe(waiting.size);
      }
      pending.failAll(new DleError('DLE_CLOSED', 'over'), 0);
      expect(told.length).toBe(waiting.size);
      expect(new Set(told)).toEqual(
        new Set([...waiting.values()].map((number) => `failed ${number}`)),
      );
      expect(pending.size).toBe(0);
    }),
  );
});

describe('deadlines', () => {
  test('each request has its own, with one timer for all', async () => {
    const { clock, pending, ask } = world();
    const late: string[] = [];
    for (const timeoutMs of [300, 100, 200]) {
      ask(timeoutMs).answer.catch((error: DleError) => late.push(`${error.code} ${timeoutMs}`));
    }
    expect(clock.delays).toEqual([100]);
    for (const expected of [['DLE_TIMEOUT 100'], ['DLE_TIMEOUT 200'], ['DLE_TIMEOUT 300']]) {
      clock.advance(99);
      await Promise.resolve();
      expect(late).toEqual([]);
      clock.advance(1);
      await Promise.resolve();
      expect(late.splice(0)).toEqual(expected);
    }
    expect(pending.size).toBe(0);
    expect(clock.delays).toEqual([]);
  });

  test('a shorter one set later is not slept through', async () => {
    const { clock, ask } = world();
    ask(1_000).answer.catch(() => {});
    const { answer } = ask(10);
    clock.advance(10);
    expect(await failure(answer)).toMatchObject({ code: 'DLE_TIMEOUT', effect: 'unknown' });
  });

  test('one set after the timer fired for answered requests counts too', async () => {
    const { clock, pending, ask } = world();
    pending.succeed(ask(50).id, reply);
    clock.advance(60);
    const { answer } = ask(50);
    clock.advance(50);
    expect(await failure(answer)).toMatchObject({ code: 'DLE_TIMEOUT' });
  });
});

test('when the connection is lost, only what was never handed over has no effect', async () => {
  const { clock, pending, ask } = world();
  const [first, second, third] = [ask(100), ask(100), ask(100)];
  const reason = new DleError('DLE_BAD_FRAME', 'why');
  pending.failAll(reason, 2);
  for (const [asked, effect] of [
    [first, 'unknown'],
    [second, 'unknown'],
    [third, 'none'],
  ] as const) {
    expect(await failure(asked!.answer)).toMatchObject({
      code: 'DLE_CONNECTION_LOST',
      effect,
      retryable: true,
      cause: reason,
    });
  }
  expect(clock.delays).toEqual([]);
});

test('a signal is let go of when the request is settled', async () => {
  const { pending, ask } = world();
  const controller = new AbortController();
  const { id, answer } = ask(100, controller.signal);
  pending.succeed(id, reply);
  await answer;
  const second = ask(100, controller.signal);
  controller.abort();
  expect(await failure(second.answer)).toMatchObject({ code: 'DLE_ABORTED', effect: 'unknown' });
});

test('one request too many is DLE_OVERLOADED', () => {
  const { pending, ask } = world();
  const { id } = ask(100);
  for (let more = 1; more < MAX_PENDING_REQUESTS; more++) ask(100).answer.catch(() => {});
  expect(() => pending.nextId()).toThrow(
    expect.objectContaining({ code: 'DLE_OVERLOADED', effect: 'none', retryable: true }),
  );
  pending.succeed(id, reply);
  expect(pending.nextId()).toBe(MAX_PENDING_REQUESTS + 1);
});
