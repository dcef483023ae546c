import { describe, expect, it } from 'vitest';
import { EntryBatchBuilder } from '../../src/internal.js';
import { Machine } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';
import { crashStore, openStore, textOf } from '../support/stores.js';

describe('writes', () => {
  it('of one turn share one flush and one promise, and are seen when it is done', async () => {
    const store = await openStore(new Machine());
    const before = store.stats();
    const [first, second] = [store.put('a', '1'), store.del('b')];
    expect(second).toBe(first);
    expect(store.has('a')).toBe(false);
    await first;
    expect(textOf(store.getSync('a'))).toBe('1');
    expect(store.stats()).toMatchObject({
      flushes: before.flushes + 1,
      frames: before.frames + 1,
      lastIndex: 2,
      appliedIndex: 2,
      keys: 1,
    });
    await store.close();
  });

  it('happen in their order, also those of one key in one turn', async () => {
    const machine = new Machine();
    let store = await openStore(machine);
    const writes = [store.put('k', '1'), store.del('k'), store.put('k', '2')];
    writes.push(
      store.batch([
        { type: 'del', key: 'k' },
        { type: 'put', key: 'k', value: '3' },
      ]),
    );
    await Promise.all(writes);
    expect(textOf(store.getSync('k'))).toBe('3');
    await Promise.all([store.put('k', '4'), store.del('k')]);
    expect(store.getSync('k')).toBeUndefined();
    store = await crashStore(machine);
    expect([store.stats().keys, store.getSync('k')]).toEqual([0, undefined]);
    await store.close();
  });

  it('beyond what one batch holds go on in the next, within the same turn', async () => {
    const store = await openStore(new Machine(), { segmentSize: 64 * 1024 ** 2 });
    const value = new Uint8Array(400_000).fill(1);
    const writes = Array.from({ length: 20 }, (_, i) => store.put(`k${i}`, value));
    expect(new Set(writes).size).toBeGreaterThan(5);
    await Promise.all(writes);
    expect([store.stats().keys, store.stats().flushes]).toEqual([20, 2]);
    await store.close();
  });

  it('take their bytes at once: the caller may use them for something else', async () => {
    const store = await openStore(new Machine());
    const [key, value] = [Buffer.from('key'), Buffer.from('value')];
    const written = store.put(key, value);
    key.fill(0);
    value.fill(0);
    await written;
    const read = store.getSync('key')!;
    expect(textOf(read)).toBe('value');
    read.fill(0);
    expect(textOf(store.getSync('key'))).toBe('value');
    await store.close();
  });

  it('that need not be durable are seen when the operating system has them', async () => {
    const machine = new Machine();
    const store = await openStore(machine, { durability: 'none' });
    const { flushes } = store.stats();
    await store.put('a', '1');
    expect([textOf(store.getSync('a')), store.stats().flushes]).toEqual(['1', flushes]);
    await store.put('b', '2', { durability: 'flush' });
    expect(store.stats().flushes).toBe(flushes + 1);
    await store.put('c', '3');
    await store.flush();
    expect(store.stats().flushes).toBe(flushes + 2);
    await store.put('d', '4');
    // What was written survives the process.
    machine.vfs.kill();
    const again = await crashStore(machine);
    expect(again.stats().keys).toBe(4);
    await again.close();
  });

  it('that need not be durable are seen after those before them', async () => {
    const store = await openStore(new Machine());
    const order: string[] = [];
    const first = store.put('k', 'durable').then(() => order.push('durable'));
    while (store.log.submitted < store.log.accepted || store.stats().lastIndex === 0)
      await turns(1);
    const second = store.put('k', 'none', { durability: 'none' }).then(() => order.push('none'));
    await Promise.all([first, second]);
    expect([order, textOf(store.getSync('k'))]).toEqual([['durable', 'none'], 'none']);
    await store.close();
  });

  it('are refused, one by one, when they are too large or no bytes; the others of the turn are not', async () => {
    const store = await openStore(new Machine());
    const good = store.put('good', '1');
    const refused: [Promise<void>, string][] = [
      [store.put('k'.repeat(4_097), ''), 'DLE_KEY_TOO_LARGE'],
      [store.put('k', new Uint8Array(8 * 1024 ** 2 + 1)), 'DLE_VALUE_TOO_LARGE'],
      [store.del('k'.repeat(4_097)), 'DLE_KEY_TOO_LARGE'],
      [store.put(1 as unknown as string, ''), 'DLE_INVALID_ARGUMENT'],
      [
        store.batch([
          { type: 'put', key: 'half', value: '' },
          { type: 'del', key: 'k'.repeat(4_097) },
        ]),
        'DLE_KEY_TOO_LARGE',
      ],
      [
        store.batch(Array.from({ length: 65_537 }, () => ({ type: 'del', key: 'k' }) as const)),
        'DLE_INVALID_ARGUMENT',
      ],
      [
        store.batch(
          Array.from(
            { length: 9 },
            () => ({ type: 'put', key: 'k', value: new Uint8Array(8 * 1024 ** 2) }) as const,
          ),
        ),
        'DLE_INVALID_ARGUMENT',
      ],
    ];
    for (const [write, code] of refused) {
      await expect(write).rejects.toMatchObject({ code, effect: 'none' });
    }
    await good;
    await store.batch([]);
    await store.put('later', '2');
    expect(store.stats()).toMatchObject({ keys: 2, lastIndex: 2 });
    await store.close();
  });

  it('of the largest batch are one entry, however small the segments', async () => {
    const machine = new Machine();
    let store = await openStore(machine);
    const operations = Array.from(
      { length: 65_536 },
      (_, i) => ({ type: 'put', key: `${i}`, value: '' }) as const,
    );
    await store.batch(operations);
    store = await crashStore(machine);
    expect(store.stats()).toMatchObject({ keys: 65_536, lastIndex: 1 });
    await store.close();
  });
});

describe('writes that fail', () => {
  it('with a flush have an unknown effect; those not yet given to the log, and later ones, have none', async () => {
    const machine = new Machine();
    const store = await openStore(machine);
    await store.put('before', '1');
    machine.vfs.plan({ failFlush: 1 });
    const failed = store.put('a', '1');
    const failure = expect(failed).rejects.toMatchObject({
      code: 'DLE_STORAGE_POISONED',
      effect: 'unknown',
    });
    while (store.log.submitted < store.log.accepted || store.log.lastIndex < 2) await turns(1);
    const gathered = store.put('b', '1');
    await failure;
    await expect(gathered).rejects.toMatchObject({ code: 'DLE_STORAGE_POISONED', effect: 'none' });
    await expect(store.put('c', '1')).rejects.toMatchObject({
      code: 'DLE_STORAGE_POISONED',
      effect: 'none',
    });
    await expect(store.flush()).rejects.toMatchObject({ code: 'DLE_STORAGE_POISONED' });
    expect(store.has('a')).toBe(false);
    expect(textOf(store.getSync('before'))).toBe('1');
    expect(store.stats().poisoned).toBe(true);
    await store.close();
    const again = await crashStore(machine);
    expect([again.has('before'), again.has('b'), again.has('c')]).toEqual([true, false, false]);
    await again.close();
  });

  it('for want of space have no effect, and succeed when there is space again', async () => {
    const machine = new Machine(1, { capacityBytes: 2 * 4_096 });
    const store = await openStore(machine);
    let stored = 0;
    for (; stored < 100; stored++) {
      const error = await store
        .put(`k${stored}`, 'x'.repeat(500))
        .catch((thrown: unknown) => thrown);
      if (error === undefined) continue;
      expect(error).toMatchObject({ code: 'DLE_DISK_FULL', effect: 'none', retryable: true });
      break;
    }
    expect(store.stats()).toMatchObject({ keys: stored, poisoned: false });
    expect(textOf(store.getSync('k0'))).toBe('x'.repeat(500));
    machine.vfs.capacityBytes += 8_192;
    await store.put(`k${stored}`, 'y');
    const again = await crashStore(machine);
    expect([again.stats().keys, textOf(again.getSync(`k${stored}`))]).toEqual([stored + 1, 'y']);
    await again.close();
  });

  it('because the store is closing are refused; those before are kept', async () => {
    const machine = new Machine();
    const store = await openStore(machine);
    const before = store.put('before', '1');
    const closing = store.close();
    await expect(store.put('after', '1')).rejects.toMatchObject({
      code: 'DLE_CLOSED',
      effect: 'none',
    });
    await Promise.all([before, closing]);
    expect(() => store.getSync('before')).toThrow(expect.objectContaining({ code: 'DLE_CLOSED' }));
    const again = await openStore(machine);
    expect([again.has('before'), again.has('after')]).toEqual([true, false]);
    await again.close();
  });
});

describe('reads', () => {
  it('name file and offset of a record that rotted, and give the others', async () => {
    const machine = new Machine();
    const store = await openStore(machine);
    await store.batch([
      { type: 'put', key: 'a', value: 'first value' },
      { type: 'put', key: 'b', value: 'x'.repeat(2_000) },
    ]);
    const [path] = await machine.segments();
    const content = Buffer.from(machine.vfs.contentOf(path!));
    const rotted = {
      code: 'DLE_CORRUPT',
      message: expect.stringMatching(
        /^\/log\/0000000000000001\.segment at byte \d+: wrong payload/,
      ),
    };
    machine.vfs.flipBit(path!, content.indexOf('first value') + 3, 0);
    expect(() => store.getSync('a')).toThrow(expect.objectContaining(rotted));
    await expect(store.get('a')).rejects.toMatchObject(rotted);
    expect(textOf(await store.get('b'))).toBe('x'.repeat(2_000));
    machine.vfs.flipBit(path!, content.indexOf('x'.repeat(2_000)) + 1_900, 0);
    expect(() => store.getSync('b')).toThrow(expect.objectContaining(rotted));
    await expect(store.get('b')).rejects.toMatchObject(rotted);
    await expect(store.getMany(['none', 'b'])).rejects.toMatchObject(rotted);
    expect(() => store.snapshotKeys().next(10_000)).toThrow(expect.objectContaining(rotted));
    await store.close();
  });

  it('never give the value of another key', async () => {
    const machine = new Machine();
    const store = await openStore(machine);
    await store.put('a', '1');
    const [path] = await machine.segments();
    // Somebody has put another intact record where that of `a` lies.
    const builder = new EntryBatchBuilder(1, 0);
    builder.put(Buffer.from('b'), Buffer.from('1'));
    builder.endEntry();
    const file = machine.vfs.openSync(path!);
    file.writeSync([builder.finish().bytes], 256);
    expect(() => store.getSync('a')).toThrow(/another key/);
    await expect(store.get('a')).rejects.toMatchObject({ code: 'DLE_CORRUPT' });
    await store.close();
  });
});

describe('a snapshot', () => {
  it('pages through all pairs, a few at a time, and ends', async () => {
    const store = await openStore(new Machine());
    for (let i = 0; i < 30; i++) await store.put(`key ${i}`, 'v'.repeat(i));
    const snapshot = store.snapshotKeys();
    expect([snapshot.index, snapshot.size]).toEqual([30, 30]);
    const seen = new Set<string>();
    for (let page = snapshot.next(1); page.length > 0; page = snapshot.next(1)) {
      expect(page.length).toBe(1);
      seen.add(textOf(page[0]!.key)!);
    }
    expect(seen.size).toBe(30);
    expect(snapshot.next(100)).toEqual([]);
    snapshot.close();
    snapshot.close();
    expect(() => snapshot.next(1)).toThrow(expect.objectContaining({ code: 'DLE_CLOSED' }));
    expect(store.snapshotKeys().next(0).length).toBe(1);
    await store.close();
  });
});
