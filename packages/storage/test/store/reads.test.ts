import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { expectReads, READ_FORMS } from '../support/read-forms.js';

/** Files of the system, so that with the addon all but the first read of a key go through its maps. */
const TIMES = [1, 2, 3];
const VALUE = Uint8Array.from({ length: 100 }, (_, at) => at + 1);
const KEY = 'a key';

let directory: string;
let store: LogStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-reads-'));
  store = await LogStore.open(directory);
  await store.batch([
    { type: 'put', key: KEY, value: VALUE },
    { type: 'put', key: 'empty', value: '' },
  ]);
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

describe('reading into memory of the caller', () => {
  it('refuses memory that is too small, says what would do, and touches none of it', () => {
    for (const length of [0, 1, 63, 99]) {
      for (const _ of TIMES) {
        const target = new Uint8Array(length).fill(7);
        expect(() => store.getInto(KEY, target)).toThrow(
          expect.objectContaining({
            code: 'DLE_INVALID_ARGUMENT',
            details: { valueLength: 100 },
          }),
        );
        expect(target).toEqual(new Uint8Array(length).fill(7));
      }
    }
  });

  it('fills a part of it, and nothing beside', () => {
    for (const length of [100, 101, 120]) {
      for (const _ of TIMES) {
        const memory = new Uint8Array(200).fill(7);
        expect(store.getInto(KEY, memory.subarray(13, 13 + length))).toBe(100);
        expect(memory.subarray(13, 113)).toEqual(VALUE);
        expect(memory.subarray(0, 13)).toEqual(new Uint8Array(13).fill(7));
        expect(memory.subarray(113)).toEqual(new Uint8Array(87).fill(7));
      }
    }
  });

  it('needs none for an empty value, nor for one that is not there', () => {
    for (const _ of TIMES) {
      expect(store.getInto('empty', new Uint8Array(0))).toBe(0);
      expect(store.getInto('missing', new Uint8Array(0))).toBe(-1);
    }
  });

  it('takes Buffers, shared memory and memory that grows', () => {
    const growing = new ResizableBuffer(50, { maxByteLength: 1_000 });
    const tracking = new Uint8Array(growing);
    for (const _ of TIMES) {
      for (const target of [
        Buffer.from('of the pool'.repeat(20)),
        new Uint8Array(new SharedArrayBuffer(128)),
        new Uint8Array(new SharedArrayBuffer(128), 3, 100),
      ]) {
        expect(store.getInto(KEY, target)).toBe(100);
        expect(Buffer.compare(target.subarray(0, 100), VALUE)).toBe(0);
      }
      growing.resize(50);
      expect(() => store.getInto(KEY, tracking)).toThrow(/bytes to put it into/);
      growing.resize(100);
      expect(store.getInto(KEY, tracking)).toBe(100);
      expect(Buffer.compare(tracking, VALUE)).toBe(0);
    }
  });

  it('finds no room in memory that is gone', () => {
    for (const _ of TIMES) {
      const target = new Uint8Array(200);
      structuredClone(target, { transfer: [target.buffer] });
      expect(() => store.getInto(KEY, target)).toThrow(
        expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
      );
      // A part whose memory has shrunk away beneath it.
      const shrinking = new ResizableBuffer(200, { maxByteLength: 200 });
      const part = new Uint8Array(shrinking, 50, 120);
      shrinking.resize(60);
      expect(() => store.getInto(KEY, part)).toThrow(
        expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
      );
    }
  });

  it('may overwrite the key it is asked for', () => {
    for (const _ of TIMES) {
      const memory = new Uint8Array(300);
      const key = memory.subarray(40, 40 + KEY.length);
      key.set(Buffer.from(KEY));
      expect(store.getInto(key, memory)).toBe(100);
      expect(memory.subarray(0, 100)).toEqual(VALUE);
    }
  });
});

describe('keys', () => {
  it('may lie in any memory', async () => {
    const text = Buffer.from(KEY);
    const memory = new Uint8Array(64).fill(0xee);
    memory.set(text, 9);
    const shared = new Uint8Array(new SharedArrayBuffer(64), 5, text.length);
    shared.set(text);
    const growing = new ResizableBuffer(4, { maxByteLength: 64 });
    const tracking = new Uint8Array(growing);
    growing.resize(text.length);
    tracking.set(text);
    const large = new Uint8Array(8_000);
    large.set(text, 6_000);
    for (const key of [
      new Uint8Array(text),
      Buffer.from(KEY),
      memory.subarray(9, 9 + text.length),
      shared,
      tracking,
      large.subarray(6_000, 6_000 + text.length),
    ]) {
      for (const _ of TIMES) await expectReads(store, key, VALUE);
    }
    growing.resize(text.length + 1);
    for (const _ of TIMES) await expectReads(store, tracking, undefined);
  });

  it('are empty when their memory is gone', async () => {
    const key = new Uint8Array(Buffer.from(KEY));
    structuredClone(key, { transfer: [key.buffer] });
    for (const _ of TIMES) await expectReads(store, key, undefined);
    await store.put('', VALUE);
    for (const _ of TIMES) await expectReads(store, key, VALUE);
  });

  it('and values may be changed by the caller once a write has been asked for', async () => {
    const key = Buffer.from('mine');
    const value = Buffer.from('as it was');
    const written = store.put(key, value);
    key.fill(0);
    value.fill(0);
    await written;
    for (const _ of TIMES) await expectReads(store, Buffer.from('mine'), Buffer.from('as it was'));
  });
});

describe('values that were returned', () => {
  it('are the caller’s own, or stay as they are', async () => {
    for (const _ of TIMES) {
      store.getSync(KEY)!.fill(0);
      (await store.get(KEY))!.fill(0);
      const [one, other] = [store.getSync(KEY)!, store.getSync(KEY)!];
      one.fill(9);
      expect(other).toEqual(VALUE);
      await expectReads(store, Buffer.from(KEY), VALUE);
    }
  });
});

describe('a store that is closed', () => {
  it.each([false, true])('refuses every read by name, read from before: %s', async (read) => {
    if (read) for (const _ of TIMES) await expectReads(store, Buffer.from(KEY), VALUE);
    await store.close();
    const closed = expect.objectContaining({ code: 'DLE_CLOSED' });
    for (const key of [KEY, 'missing', '']) {
      for (const [form, ask] of Object.entries(READ_FORMS)) {
        const asked = (async () => ask(store, Buffer.from(key)))();
        await expect(asked, form).rejects.toEqual(closed);
      }
      expect(() => store.has(key)).toThrow(closed);
    }
    await expect(store.getMany([KEY])).rejects.toEqual(closed);
  });
});

/** Memory whose length can change, as this version of TypeScript does not know it. */
interface ResizableBuffer extends ArrayBuffer {
  resize(length: number): void;
}
const ResizableBuffer = ArrayBuffer as unknown as new (
  length: number,
  options: { maxByteLength: number },
) => ResizableBuffer;
