import { toBytes } from '@dle/common';
import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { EntryBatchBuilder, Namespace } from '../../src/internal.js';
import { batchOf, Machine } from '../support/logs.js';
import { crashStore, openStore, textOf } from '../support/stores.js';

const REPLICATED = { replicated: true };

/** Appends entries, in term `term`: `k=v` is a put, `-k` a delete, `!` is opaque. */
function append(store: LogStore, first: number, term: number, ...entries: string[]): Promise<void> {
  const builder = new EntryBatchBuilder(first, term);
  for (const entry of entries) {
    for (const operation of entry.split(',')) {
      const [key, value] = operation.split('=');
      if (operation === '!') builder.opaque(Namespace.consensus, toBytes('noop'), toBytes(''));
      else if (value === undefined) builder.delete(toBytes(key!.slice(1)));
      else builder.put(toBytes(key!), toBytes(value));
    }
    builder.endEntry();
  }
  const { log } = store;
  return log.whenFlushed(log.append(builder.finish(), { replaces: first <= log.lastIndex }));
}

describe('a replicated store', () => {
  it('shows what was applied, and no more', async () => {
    const store = await openStore(new Machine(), REPLICATED);
    await append(store, 1, 1, '!', 'a=1', 'b=2', '-a');
    expect(store.has('a')).toBe(false);
    store.apply(2);
    expect([textOf(store.getSync('a')), store.has('b'), store.appliedIndex]).toEqual([
      '1',
      false,
      2,
    ]);
    store.apply(2);
    store.apply(4);
    expect([store.has('a'), textOf(store.getSync('b')), store.appliedIndex]).toEqual([
      false,
      '2',
      4,
    ]);
    expect(() => store.apply(5)).toThrow(expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }));
    await store.close();
  });

  it('tells of every delete that found its key', async () => {
    const store = await openStore(new Machine(), REPLICATED);
    await append(store, 1, 1, '-a', 'a=1', '-a', '-a', 'b=1,c=1', '-x,-b', '!', 'a=1,-a');
    const told: number[] = [];
    store.apply(8, (index) => told.push(index));
    expect(told).toEqual([3, 6, 8]);
    await store.close();
  });

  it('does not say that a key was not there whose record it cannot read', async () => {
    const machine = new Machine();
    await using store = await openStore(machine, REPLICATED);
    await append(store, 1, 1, '!', 'needle=1', 'other=2');
    store.apply(3);
    const [path] = await machine.segments();
    const place = Buffer.from(machine.vfs.contentOf(path!)).indexOf('needle');
    machine.vfs.flipBit(path!, place, 1);
    await append(store, 4, 1, '-nobody', '-needle', '-other');
    const told: [index: number, isCertain: boolean][] = [];
    store.apply(6, (index, isCertain) => told.push([index, isCertain]));
    expect(told).toEqual([
      [5, false],
      [6, true],
    ]);
  });

  it('refuses writes that do not come through the log', async () => {
    const store = await openStore(new Machine(), REPLICATED);
    const writes = [store.put('a', '1'), store.del('a'), store.batch([{ type: 'del', key: 'a' }])];
    for (const write of writes) {
      await expect(write).rejects.toMatchObject({ code: 'DLE_INVALID_ARGUMENT', effect: 'none' });
    }
    await store.close();
  });

  it('recovers what was known to be committed, and leaves the rest pending', async () => {
    const machine = new Machine();
    let store = await openStore(machine, REPLICATED);
    await append(store, 1, 1, 'a=1', 'b=1', 'c=1');
    store.log.setCommit(2);
    store.apply(2);
    await append(store, 4, 1, 'a=2');
    store = await crashStore(machine, REPLICATED);
    expect([store.appliedIndex, store.log.commit, store.log.lastIndex]).toEqual([2, 2, 4]);
    expect([textOf(store.getSync('a')), store.has('c')]).toEqual(['1', false]);
    // Another leader's entries take the place of those pending.
    await append(store, 3, 2, 'd=1');
    store.apply(3);
    expect([store.has('c'), textOf(store.getSync('a')), textOf(store.getSync('d'))]).toEqual([
      false,
      '1',
      '1',
    ]);
    await store.close();
  });

  it('applies what has left the memory from the files', async () => {
    const machine = new Machine();
    const options = { ...REPLICATED, tailCacheBytes: 0 };
    let store = await openStore(machine, options);
    for (let index = 1; index <= 30; index++)
      await append(store, index, 1, `k${index % 7}=${index}`);
    store.apply(30);
    const all = () => Array.from({ length: 7 }, (_, k) => textOf(store.getSync(`k${k}`)));
    expect(all()).toEqual(['28', '29', '30', '24', '25', '26', '27']);
    store.log.setCommit(30);
    await append(store, 31, 1, '!');
    store = await crashStore(machine, options);
    expect(store.appliedIndex).toBe(30);
    expect(all()).toEqual(['28', '29', '30', '24', '25', '26', '27']);
    await store.close();
  });

  it('is not opened as a standalone one, nor the other way round', async () => {
    const machine = new Machine();
    const member = await openStore(machine, REPLICATED);
    await append(member, 1, 1, 'a=1');
    await member.close();
    await expect(openStore(machine)).rejects.toMatchObject({
      code: 'DLE_FORMAT',
      message: expect.stringContaining('/log belongs to a member of a cluster'),
    });
    const other = new Machine();
    const alone = await openStore(other);
    await alone.put('a', '1');
    await alone.close();
    await expect(openStore(other, REPLICATED)).rejects.toMatchObject({ code: 'DLE_FORMAT' });
    const log = await other.open();
    expect(() => log.append(batchOf(1, 1, 'x'))).toThrow();
    await log.close();
  });
});
