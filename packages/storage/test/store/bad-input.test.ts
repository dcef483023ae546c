import { describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { Machine } from '../support/logs.js';
import { openStore } from '../support/stores.js';

const REFUSED = { code: 'DLE_INVALID_ARGUMENT', effect: 'none' };

/** As a program without types would. */
const anything = (value: unknown): never => value as never;

describe('a call that is not what it must be', () => {
  it('is refused, and changes nothing', async () => {
    const store = await openStore(new Machine());
    await store.put('key', 'value');
    const before = store.stats();
    const writes = [
      store.put(anything(1), 'x'),
      store.put('key', anything(undefined)),
      store.put('key', 'x', { durability: anything('flushed') }),
      store.del(anything(null)),
      store.batch([
        { type: 'put', key: 'key', value: 'x' },
        anything({ type: 'delete', key: 'key' }),
      ]),
      store.batch([anything({ key: 'key' })]),
      store.batch([{ type: 'put', key: anything({}), value: 'x' }]),
      store.get(anything(7)),
      store.getMany([anything(7)]),
    ];
    for (const write of writes) await expect(write).rejects.toMatchObject(REFUSED);
    for (const read of [
      () => store.getSync(anything(undefined)),
      () => store.getView(anything([])),
      () => store.has(anything(1n)),
      () => store.getInto('key', anything(new Float64Array(8))),
      () => store.getInto('key', anything('target')),
    ]) {
      expect(read).toThrow(expect.objectContaining(REFUSED));
    }
    await store.flush();
    expect(Buffer.from(store.getSync('key')!).toString()).toBe('value');
    expect(store.stats().lastIndex).toBe(before.lastIndex);
    await store.close();
  });

  it('is refused before anything is made', async () => {
    const machine = new Machine();
    for (const options of [
      { segmentSize: 100 },
      { segmentSize: 2 ** 31 },
      { durability: anything('sync') },
      { idleFlushMs: 0 },
      { tailCacheBytes: -1 },
    ]) {
      const opening = LogStore.open('/refused', options, machine);
      await expect(opening).rejects.toMatchObject(REFUSED);
    }
    expect(await machine.vfs.list('/refused')).toEqual([]);
  });
});
