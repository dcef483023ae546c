import { DleError } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { DIRECTORY, Machine } from '../support/logs.js';
import { openStore } from '../support/stores.js';

const eio = (what: string) => new DleError('DLE_IO', `${what}: EIO`);

describe('defects', () => {
  it('an error in making the segment of an idle frame is thrown out of the timer', async () => {
    const machine = new Machine();
    const store = await openStore(machine);
    await store.put('a', '1');
    machine.vfs.restart();
    const again = await openStore(machine);
    const create = machine.vfs.createSync;
    machine.vfs.createSync = () => {
      throw eio('open');
    };
    // The next thing that happens is the idle timer, which begins a segment.
    expect(() => machine.clock.pass(1_000)).not.toThrow();
    machine.vfs.createSync = create;
    expect(again.has('a')).toBe(true);
    await again.put('b', '2');
    await again.close();
  });

  it('verify takes for damage that the log has gone on in a new segment meanwhile', async () => {
    const machine = new Machine();
    const store = await openStore(machine);
    for (let n = 0; n < 40; n++) await store.put(`key ${n}`, 'x'.repeat(300));
    const report = store.verify();
    for (let n = 0; n < 40; n++) await store.put(`key ${n}`, 'y'.repeat(300));
    expect((await report).damage).toEqual([]);
    await store.close();
  });

  it('verify takes a segment that a full disk has left empty for damage', async () => {
    const machine = new Machine(1, { capacityBytes: 60_000 });
    const store = await openStore(machine);
    let n = 0;
    const full = () =>
      store.put(`key ${n++}`, 'x'.repeat(1_500)).then(
        () => false,
        () => true,
      );
    while (!(await full())) {}
    await store.close();
    const again = await openStore(machine);
    expect((await again.verify()).damage).toEqual([]);
    await again.close();
  });

  it('a start that fails while it tidies keeps the directory locked', async () => {
    const machine = new Machine();
    const store = await openStore(machine);
    await store.put('a', '1');
    await store.close();
    await machine.vfs.createSync(`${DIRECTORY}/0000000000000001.directory.tmp`).close();
    const unlink = machine.vfs.unlink;
    machine.vfs.unlink = () => Promise.reject(eio('unlink'));
    await expect(openStore(machine)).rejects.toMatchObject({ code: 'DLE_IO' });
    machine.vfs.unlink = unlink;
    const again = await openStore(machine);
    await again.close();
  });

  it('a segment that cannot be closed keeps the directory locked', async () => {
    const machine = new Machine();
    const create = machine.vfs.createSync;
    machine.vfs.createSync = (path: string) => {
      const file = create.call(machine.vfs, path);
      if (path.endsWith('segment')) file.close = () => Promise.reject(eio('close'));
      return file;
    };
    const store = await openStore(machine);
    await store.put('a', '1');
    await store.close().catch((e) => expect(e.code).toBe('DLE_IO'));
    machine.vfs.createSync = create;
    const again = await openStore(machine);
    expect(again.has('a')).toBe(true);
    await again.close();
  });
});
