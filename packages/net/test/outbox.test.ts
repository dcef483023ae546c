import type { Socket } from 'node:net';
import { concatBytes } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { POOLED_BYTES } from '../src/buffer-pool.js';
import { FrameKind } from '../src/frame.js';
import { FrameParser } from '../src/frame-parser.js';
import { Outbox } from '../src/outbox.js';
import { VirtualClock } from './support/virtual-clock.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Takes what is written when it is told to; until then it only refers to it, as an operating system
 * does.
 */
class FakeSocket {
  readonly written: Uint8Array[] = [];
  writes = 0;
  ended = false;
  destroyed = false;
  #corked = 0;
  #parts: Uint8Array[] = [];
  #callbacks: ((error?: Error | null) => void)[] = [];

  cork(): void {
    this.#corked++;
  }

  uncork(): void {
    if (--this.#corked === 0 && this.#parts.length > 0) this.writes++;
  }

  write(part: Uint8Array, callback?: (error?: Error | null) => void): void {
    if (this.#corked === 0) this.writes++;
    this.#parts.push(part);
    if (callback !== undefined) this.#callbacks.push(callback);
  }

  end(): void {
    this.ended = true;
  }

  /** Copies now what it was given, and says so. */
  take(): void {
    this.written.push(...this.#parts.map((part) => new Uint8Array(part)));
    this.#parts = [];
    for (const callback of this.#callbacks.splice(0)) callback();
  }

  get untaken(): number {
    return this.#parts.length;
  }
}

interface World {
  readonly socket: FakeSocket;
  readonly outbox: Outbox;
  readonly options: { maxBodyBytes: number; maxQueuedBytes: number };
  /** Lets everything leave, and gives back the bodies in order. */
  readonly drain: () => Promise<string[]>;
}

function world(): World {
  const socket = new FakeSocket();
  const options = { maxBodyBytes: 4 * 1024 * 1024, maxQueuedBytes: 8 * 1024 * 1024 };
  const outbox = new Outbox(
    { clock: new VirtualClock(), socket: socket as unknown as Socket, progress: () => {} },
    options,
  );
  const drain = async (): Promise<string[]> => {
    await turn();
    while (socket.untaken > 0) {
      socket.take();
      await turn();
    }
    const parser = new FrameParser(options.maxBodyBytes);
    parser.push(concatBytes(socket.written));
    const bodies: string[] = [];
    while (parser.next()) bodies.push(Buffer.from(parser.raw()).toString('latin1'));
    return bodies;
  };
  return { socket, outbox, options, drain };
}

test('what is put in leaves before the turn ends where it is told to, and once', async () => {
  const { socket, outbox, drain } = world();
  outbox.put(FrameKind.message, 0, {}, Buffer.from('first'));
  outbox.put(FrameKind.message, 0, {}, Buffer.from('second'));
  outbox.flush();
  outbox.flush();
  expect(socket.writes).toBe(1);
  expect(await drain()).toEqual(['first', 'second']);
  expect(socket.writes).toBe(1);
});

test('much that is put in during one turn begins to leave before it ends', async () => {
  const { socket, outbox, drain } = world();
  const body = 'x'.repeat(1_000);
  const bodies = Array.from({ length: 100 }, () => body);
  for (const one of bodies) outbox.put(FrameKind.message, 0, {}, Buffer.from(one));
  // What comes while that is under way waits for it, however much it is.
  expect(socket.writes).toBe(1);
  expect(await drain()).toEqual(bodies);
  expect(socket.writes).toBe(2);
});

test('what is put in during one turn leaves in one write', async () => {
  const { socket, outbox, drain } = world();
  for (let index = 0; index < 100; index++) {
    outbox.put(FrameKind.message, 0, {}, Buffer.from(`${index}`));
  }
  expect(socket.writes).toBe(0);
  expect(await drain()).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`));
  expect(socket.writes).toBe(1);
});

test('what is put in while a write is under way leaves together, behind it', async () => {
  const { socket, outbox, drain } = world();
  outbox.put(FrameKind.message, 0, {}, Buffer.from('a'));
  await turn();
  for (const text of ['b', 'c', 'd']) {
    outbox.put(FrameKind.message, 0, {}, Buffer.from(text));
    await turn();
  }
  expect(socket.writes).toBe(1);
  expect(await drain()).toEqual(['a', 'b', 'c', 'd']);
  expect(socket.writes).toBe(2);
});

test('any mixture of parts of any size leaves in order, unharmed by buffers that are used again', async () => {
  const part = fc
    .tuple(
      fc.oneof(fc.nat(100), fc.nat(POOLED_BYTES + 100), fc.integer({ min: 4_000, max: 4_200 })),
      fc.nat(255),
    )
    .map(([length, fill]) => new Uint8Array(length).fill(fill));
  const frame = fc.record({
    text: fc.string({ maxLength: 20_000, size: 'max' }),
    parts: fc.array(part, { maxLength: 4 }),
    pause: fc.constantFrom('none', 'turn', 'take'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (frames) => {
      const { socket, outbox, drain } = world();
      for (const { text, parts, pause } of frames) {
        outbox.put(FrameKind.message, 0, { text }, parts);
        if (pause !== 'none') await turn();
        if (pause === 'take') socket.take();
      }
      expect(await drain()).toEqual(
        frames.map(({ parts }) => Buffer.from(concatBytes(parts)).toString('latin1')),
      );
      expect(outbox.bufferedBytes).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test('a large part is written where it lies, in pieces that show progress', async () => {
  const { socket, outbox, drain } = world();
  const large = new Uint8Array(3 * 1024 * 1024).fill(9);
  outbox.put(FrameKind.message, 0, {}, large);
  await turn();
  const before = outbox.bufferedBytes;
  socket.take();
  expect(outbox.bufferedBytes).toBe(before - 1024 * 1024);
  large[2 * 1024 * 1024] = 1; // Nobody should; that it shows proves that there is no copy.
  await drain().catch(() => {});
  const all = concatBytes(socket.written);
  expect(all[all.length - 1024 * 1024]).toBe(1);
});

describe('limits', () => {
  test('a frame that finds others waiting and exceeds the limit is DLE_OVERLOADED', async () => {
    const { outbox, drain } = world();
    const raw = new Uint8Array(3 * 1024 * 1024);
    outbox.put(FrameKind.message, 0, {}, raw);
    outbox.put(FrameKind.message, 0, {}, raw);
    const buffered = outbox.bufferedBytes;
    expect(() => outbox.put(FrameKind.message, 0, {}, raw)).toThrow(
      expect.objectContaining({ code: 'DLE_OVERLOADED', effect: 'none', retryable: true }),
    );
    expect(outbox.bufferedBytes).toBe(buffered);
    expect(await drain()).toHaveLength(2);
    outbox.put(FrameKind.message, 0, {}, raw);
  });

  test('a frame larger than the whole limit leaves if nothing else is waiting', async () => {
    const { outbox, options, drain } = world();
    options.maxQueuedBytes = 100;
    outbox.put(FrameKind.message, 0, {}, new Uint8Array(1_000));
    expect(await drain()).toHaveLength(1);
  });

  test('a body over its limit is DLE_FRAME_TOO_LARGE, and nothing of it is put in', async () => {
    const { outbox, options, drain } = world();
    const parts = [new Uint8Array(options.maxBodyBytes), new Uint8Array(1)];
    expect(() => outbox.put(FrameKind.message, 0, {}, parts)).toThrow(
      expect.objectContaining({ code: 'DLE_FRAME_TOO_LARGE', effect: 'none', retryable: false }),
    );
    expect(await drain()).toEqual([]);
  });

  test('a short response, a refusal and a ping always find room', () => {
    const { outbox, options } = world();
    options.maxQueuedBytes = 100;
    outbox.put(FrameKind.message, 0, {}, new Uint8Array(1_000));
    outbox.put(FrameKind.response, 1, { error: {} });
    outbox.put(FrameKind.refusal, 0, { code: 'x' });
    outbox.put(FrameKind.ping, 0);
    expect(() => outbox.put(FrameKind.response, 2, {}, new Uint8Array(10_000))).toThrow();
    expect(() => outbox.put(FrameKind.request, 2, {})).toThrow();
  });
});

test('only frames that were written count as handed over', async () => {
  const { outbox, drain } = world();
  expect(outbox.put(FrameKind.message, 0, {})).toBe(1);
  expect(outbox.handedOver).toBe(0);
  await turn();
  expect(outbox.handedOver).toBe(1);
  expect(outbox.put(FrameKind.message, 0, {})).toBe(2);
  await turn();
  expect(outbox.handedOver).toBe(1);
  await drain();
  expect(outbox.handedOver).toBe(2);
});

test('the end comes behind everything that was put in', async () => {
  const { socket, outbox, drain } = world();
  outbox.put(FrameKind.message, 0, {}, Buffer.from('a'));
  await turn();
  outbox.put(FrameKind.message, 0, {}, Buffer.from('b'));
  outbox.end();
  expect(socket.ended).toBe(false);
  expect(await drain()).toEqual(['a', 'b']);
  expect(socket.ended).toBe(true);
});
