import { describe, expect, it } from 'vitest';
import { DIRECTORY, Machine } from '../support/logs.js';
import { openStore } from '../support/stores.js';

const MIB = 1024 * 1024;
const QUIET = { idleFlushMs: 60_000, compaction: { automatic: false } } as const;

describe('a segment', () => {
  it('is a small part of the store, until it is as large as is said', async () => {
    const machine = new Machine();
    await using store = await openStore(machine, { ...QUIET, segmentSize: 6 * MIB });
    const value = new Uint8Array(MIB / 2 - 100);
    for (let n = 0; n < 240; n++) await store.put(`key ${n}`, value);
    await store.verify();
    const sizes = (await machine.segments()).map((path) => machine.vfs.contentOf(path).length);
    expect(Math.max(...sizes.slice(0, 5))).toBeLessThanOrEqual(4 * MIB);
    const full = sizes.slice(-4, -1);
    expect(Math.min(...full)).toBeGreaterThan(5 * MIB);
    expect(Math.max(...full)).toBeLessThanOrEqual(6 * MIB);
    // What is set aside grows with them, and is found again.
    const reserved = () => machine.vfs.contentOf(`${DIRECTORY}/reserve`).length;
    expect(reserved()).toBeGreaterThan(6 * MIB);
    const before = reserved();
    await store.close();
    await using again = await openStore(machine, { ...QUIET, segmentSize: 6 * MIB });
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
