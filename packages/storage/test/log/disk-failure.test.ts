import { toBytes } from '@dle/common';
import { describe, expect, it } from 'vitest';
import type { Log } from '../../src/internal.js';
import { batchOf, Machine, valuesOf } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';

const POISONED = { code: 'DLE_STORAGE_POISONED', effect: 'unknown', retryable: false };

/** A log with one flushed entry. */
async function opened(machine: Machine): Promise<Log> {
  const log = await machine.open();
  await log.whenFlushed(log.append(batchOf(1, 1, 'flushed')));
  return log;
}

describe('a failed flush', () => {
  it('poisons the log, is never tried again, and is told to all who wait', async () => {
    const machine = new Machine();
    const log = await opened(machine);
    const told: unknown[] = [];
    log.onFailed((error) => told.push(error));
    machine.vfs.plan({ failFlush: 1 });
    const flushed = log.flushed;
    const waiting = log.whenFlushed(log.append(batchOf(2, 1, 'lost')));
    await expect(waiting).rejects.toMatchObject(POISONED);
    expect(told).toEqual([log.failure]);
    const { operations } = machine.vfs;
    // The next flush would succeed, with the data gone: nothing may ask for one.
    for (const call of [
      () => log.append(batchOf(3, 1, 'refused')),
      () => log.setLocalState('vote', toBytes('refused')),
      () => log.reserve(100),
    ]) {
      expect(call).toThrow(expect.objectContaining({ ...POISONED, effect: 'none' }));
    }
    await expect(log.whenFlushed(log.accepted)).rejects.toMatchObject(POISONED);
    machine.clock.pass(1_000);
    await turns();
    expect(log.flushed).toBe(flushed);
    expect(machine.vfs.operations).toBe(operations);
    expect(await valuesOf(log)).toEqual(['flushed', 'lost']);
    await log.close();
    const again = await machine.crash();
    expect((await valuesOf(again))[0]).toBe('flushed');
    await again.close();
  });

  it('of a directory poisons as well', async () => {
    const machine = new Machine();
    const log = await opened(machine);
    // The flush of the full segment, of the new one, of the directory: the third of them.
    const { vfs } = machine;
    const syncDirectory = vfs.syncDirectory.bind(vfs);
    vfs.syncDirectory = () => Promise.reject(new Error('EIO'));
    await expect(
      log.whenFlushed(log.append(batchOf(2, 1, 'x'.repeat(3_900)))),
    ).rejects.toMatchObject(POISONED);
    vfs.syncDirectory = syncDirectory;
    await log.close();
  });

  it('answers those whose frames were not written yet, too', async () => {
    const machine = new Machine();
    const log = await opened(machine);
    machine.vfs.plan({ failFlush: 1 });
    const first = log.whenFlushed(log.append(batchOf(2, 1, 'a')));
    while (log.submitted < log.accepted) await turns(1);
    const second = log.whenFlushed(log.append(batchOf(3, 1, 'b')));
    await Promise.all([first, second].map((each) => expect(each).rejects.toMatchObject(POISONED)));
    // What was never written is still in memory for whoever reads.
    expect(await valuesOf(log)).toEqual(['flushed', 'a', 'b']);
    await log.close();
  });
});

describe('a failed write', () => {
  it('poisons the log', async () => {
    const machine = new Machine();
    const log = await opened(machine);
    machine.vfs.plan({ failWrite: 1 });
    await expect(log.whenFlushed(log.append(batchOf(2, 1, 'a')))).rejects.toMatchObject(POISONED);
    expect(await valuesOf(log)).toEqual(['flushed', 'a']);
    await log.close();
  });

  it('in taking space is refused, with nothing accepted', async () => {
    const machine = new Machine();
    const log = await opened(machine);
    machine.vfs.plan({ failWrite: 1 });
    expect(() => log.append(batchOf(2, 1, 'x'.repeat(3_900)))).toThrow(
      expect.objectContaining({ code: 'DLE_IO', effect: 'none' }),
    );
    expect(log.lastIndex).toBe(1);
    await log.whenFlushed(log.append(batchOf(2, 1, 'x'.repeat(3_900))));
    await log.close();
  });
});

describe('a full disk', () => {
  it('refuses what finds no room, loses nothing, and goes on when there is room again', async () => {
    const machine = new Machine(1, { capacityBytes: 3 * 4_096 + 1_000 });
    const log = await machine.open();
    const accepted: string[] = [];
    for (let round = 0; ; round++) {
      const value = `${round}`.padEnd(500, '.');
      try {
        log.append(batchOf(log.lastIndex + 1, 1, value));
        accepted.push(value);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'DLE_DISK_FULL', retryable: true, effect: 'none' });
        break;
      }
    }
    expect(log.lastIndex).toBe(accepted.length);
    expect(() =>
      log.append(batchOf(log.lastIndex, 2, 'x'.repeat(2_000)), { replaces: true }),
    ).toThrow(/ENOSPC/);
    expect(log.termAt(log.lastIndex)).toBe(1);
    expect(() => log.reserve(4_000)).toThrow(/ENOSPC/);
    await log.whenFlushed(log.accepted);
    expect(await valuesOf(log)).toEqual(accepted);
    expect(log.failure).toBeUndefined();
    machine.vfs.capacityBytes += 8_192;
    await log.whenFlushed(log.append(batchOf(log.lastIndex + 1, 1, 'more')));
    expect(await valuesOf(await machine.crash())).toEqual([...accepted, 'more']);
  });

  it('takes a batch as a whole or not at all', async () => {
    const machine = new Machine(1, { capacityBytes: 3 * 4_096 });
    const log = await machine.open();
    const value = 'x'.repeat(1_500);
    expect(() => log.append(batchOf(1, 1, ...Array.from({ length: 8 }, () => value)))).toThrow(
      /ENOSPC/,
    );
    expect([log.lastIndex, log.accepted]).toEqual([0, 2]);
    await log.whenFlushed(log.append(batchOf(1, 1, ...Array.from({ length: 6 }, () => value))));
    expect((await valuesOf(await machine.crash())).length).toBe(6);
  });

  it('does not keep a log from being opened, read and closed cleanly', async () => {
    const machine = new Machine();
    let log = await opened(machine);
    machine.vfs.capacityBytes = 4_096;
    log = await machine.crash();
    expect(await valuesOf(log)).toEqual(['flushed']);
    machine.clock.pass(100);
    await turns();
    expect(log.failure).toBeUndefined();
    expect(() => log.append(batchOf(2, 1, 'a'))).toThrow(/ENOSPC/);
    await log.close();
    machine.vfs.capacityBytes = 12_288;
    log = await machine.open();
    await log.whenFlushed(log.append(batchOf(2, 1, 'a')));
    expect(await valuesOf(log)).toEqual(['flushed', 'a']);
    await log.close();
  });

  it('is said when there is no room for a new log', async () => {
    const machine = new Machine(1, { capacityBytes: 100 });
    await expect(machine.open()).rejects.toMatchObject({ code: 'DLE_DISK_FULL' });
    machine.vfs.capacityBytes = 100_000;
    await (await machine.open()).close();
  });

  it('cannot disturb an append whose space was taken in advance', async () => {
    for (const bytes of [100, 2_000, 6_000, 40_000]) {
      const machine = new Machine();
      const log = await machine.open();
      await log.whenFlushed(log.append(batchOf(1, 1, 'a'.repeat(1_000))));
      const batch = batchOf(2, 1, ...Array.from({ length: 20 }, () => 'b'.repeat(bytes / 40)));
      log.reserve(batch.bytes.length);
      machine.vfs.capacityBytes = 0;
      log.setLocalState('vote', toBytes('0123456789abcdef'));
      await log.whenFlushed(log.append(batch));
      expect((await machine.crash()).lastIndex).toBe(21);
    }
  });

  it('cannot disturb one either that goes beyond the step in which space is taken', async () => {
    const machine = new Machine();
    const log = await machine.open({ segmentSize: 4 * 1024 ** 2 });
    await log.whenFlushed(log.append(batchOf(1, 1, 'a'.repeat(1_000_000))));
    const batch = batchOf(2, 1, 'b'.repeat(100_000), 'c'.repeat(100_000));
    log.reserve(batch.bytes.length);
    machine.vfs.capacityBytes = 0;
    await log.whenFlushed(log.append(batch));
    expect((await machine.crash()).lastIndex).toBe(3);
  });
});
