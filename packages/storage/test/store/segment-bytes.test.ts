import { describe, expect, it } from 'vitest';
import { DIRECTORY, Machine } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';
import { openStore } from '../support/stores.js';

const MIB = 1024 * 1024;
const QUIET = { idleFlushMs: 60_000, compaction: { automatic: false } } as const;

describe('a segment', () => {
  it('is a small part of a store that is overwritten, and so is what is set aside', async () => {
    const machine = new Machine();
    const options = { idleFlushMs: 60_000, segmentSize: 16 * MIB };
    const store = await openStore(machine, options);
    const sizes = async () =>
      (await machine.segments()).map((path) => machine.vfs.contentOf(path).length).slice(0, -1);
    const reserved = () => machine.vfs.contentOf(`${DIRECTORY}/reserve`).length;
    const value = new Uint8Array(MIB / 2 - 100);
    const write = async () => {
      for (let n = 0; n < 80; n++) await store.put(`key ${n}`, value);
      await store.verify();
    };
    await write();
    // Filled once it makes no small ones.
    expect(Math.min(...(await sizes()))).toBeGreaterThan(15 * MIB);
    expect(reserved()).toBeGreaterThan(20 * MIB);
    await write();
    await write();
    expect(Math.max(...(await sizes()).slice(-6))).toBeLessThanOrEqual(4 * MIB);
    // As long as a large one is there, it may have to be rewritten.
    expect(reserved()).toBeGreaterThan(20 * MIB);
    while (Math.max(...(await sizes())) > 4 * MIB) {
      machine.clock.pass(1_000);
      await turns(100);
    }
    await write();
    expect(reserved()).toBeLessThan(20 * MIB);
    const before = reserved();
    await store.close();
    await using again = await openStore(machine, options);
    await again.verify();
    expect(reserved()).toBe(before);
  });

  it('is as large as is said where that is little', async () => {
    const machine = new Machine();
    await using store = await openStore(machine, { ...QUIET, segmentSize: 64 * 1024 });
    for (let n = 0; n < 30; n++) await store.put(`key ${n}`, new Uint8Array(20_000));
    await store.verify();
    const sizes = (await machine.segments()).map((path) => machine.vfs.contentOf(path).length);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(60_000);
  });
});
