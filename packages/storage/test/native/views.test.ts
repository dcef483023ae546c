import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore, nativeStatus } from '../../src/index.js';
import { Child } from '../support/child.js';
import { expectReads } from '../support/read-forms.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-views-'));
});

afterEach(() => rm(directory, { recursive: true }));

describe('a view of a value', () => {
  it('stays as it is when its key is overwritten, deleted, its store closed, and all collected', async () => {
    const child = await Child.start('view-keeper.mjs', directory);
    expect(child.lines).toEqual(['unchanged']);
    expect(await child.ends()).toBe(0);
  });

  it('lies in the segment where the addon maps it, and is a copy without', async () => {
    const store = await LogStore.open(directory);
    await store.put('key', 'value');
    store.getSync('key');
    const [one, two] = [store.getView('key')!, store.getView('key')!];
    if (nativeStatus().loaded) {
      expect(one.buffer).toBe(two.buffer);
      expect(one.byteOffset).toBe(two.byteOffset);
    } else {
      one.fill(0);
    }
    expect(Buffer.from(two).toString()).toBe('value');
    await store.close();
  });
});

/** Places in a store of three keys that a store through a wild index could hit. */
const PLACES = ['the value', 'the header', 'the value before', 'the value behind', 'everything'];

describe.runIf(nativeStatus().loaded)('a stray store into a view', () => {
  const KEYS = ['before', 'key', 'behind'].map((key) => Buffer.from(key));
  const contentOf = (key: Uint8Array) => Buffer.from(`value of ${Buffer.from(key)}`.repeat(20));

  function spoil(view: Uint8Array, place: string): void {
    const memory = new Uint8Array(view.buffer);
    const { byteOffset, length } = view;
    const stride = length + 64 + 8;
    if (place === 'the value') view[5]! ^= 1;
    else if (place === 'the header') memory[byteOffset - 30]! ^= 1;
    else if (place === 'the value before') memory[byteOffset - stride]! ^= 1;
    else if (place === 'the value behind') memory[byteOffset + stride]! ^= 1;
    else memory.fill(0xff, 0, 4_096);
  }

  it.each(PLACES)('changes neither what is read nor the file: %s', async (place) => {
    // No idle frame comes to the file while it is compared.
    const store = await LogStore.open(directory, { idleFlushMs: 60_000 });
    for (const key of KEYS) await store.put(key, contentOf(key));
    for (const key of KEYS) await expectReads(store, key, contentOf(key));
    const file = join(directory, (await readdir(directory)).find((name) => /segment$/.test(name))!);
    const before = await readFile(file);
    const view = store.getView(KEYS[1]!)!;
    spoil(view, place);
    for (let times = 0; times < 2; times++) {
      for (const key of KEYS) await expectReads(store, key, contentOf(key));
    }
    expect(Buffer.compare(await readFile(file), before)).toBe(0);
    expect((await store.verify()).damage).toEqual([]);
    // What is written behind is seen, whatever happened to the pages it comes to lie in.
    for (let n = 0; n < 40; n++) await store.put(`later ${n}`, `value ${n}`);
    for (let n = 0; n < 40; n++) {
      await expectReads(store, Buffer.from(`later ${n}`), Buffer.from(`value ${n}`));
    }
    await store.close();
    const reopened = await LogStore.open(directory);
    for (const key of KEYS) await expectReads(reopened, key, contentOf(key));
    await reopened.close();
  });
});
