import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore, nativeStatus } from '../../src/index.js';
import { expectReads } from '../support/read-forms.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-late-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe.runIf(nativeStatus().loaded)('a stray store into a view', () => {
  it('of the key of a neighbour does not bring back what a later put replaces', async () => {
    const store = await LogStore.open(directory);
    for (const key of ['a', 'neighbour']) await store.put(key, 'old');
    for (const key of ['a', 'neighbour'])
      await expectReads(store, Buffer.from(key), Buffer.from('old'));
    const memory = new Uint8Array(store.getView('a')!.buffer);
    memory[Buffer.from(memory.buffer, 0, 4_096).indexOf('neighbour')]! ^= 1;
    await store.put('neighbour', 'new');
    await expectReads(store, Buffer.from('neighbour'), Buffer.from('new'));
    expect(store.stats().keys).toBe(2);
    await store.del('neighbour');
    await expectReads(store, Buffer.from('neighbour'), undefined);
    await store.close();
  });
});

it('getInto of an empty value needs no memory, not even one that is still there', async () => {
  const store = await LogStore.open(directory);
  await store.put('empty', '');
  const target = new Uint8Array(10);
  structuredClone(target, { transfer: [target.buffer] });
  for (let times = 0; times < 3; times++) expect(store.getInto('empty', target)).toBe(0);
  await store.close();
});
