import { crc32 } from 'node:zlib';
import { toBytes } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { EntryBatchBuilder } from '../../src/internal.js';
import { batchOf, Machine, valuesOf } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';

const VALUES = Array.from({ length: 12 }, (_, i) => `value ${i} `.padEnd(700, '.'));

/**
 * A machine whose log of three segments is all flushed, and says so or not; its process was killed.
 */
async function machineWithLog({ marked }: { readonly marked: boolean }): Promise<{
  readonly machine: Machine;
  readonly segments: readonly string[];
}> {
  const machine = new Machine();
  const log = await machine.open();
  for (const [place, value] of VALUES.entries()) {
    await log.whenFlushed(log.append(batchOf(place + 1, 1, value)));
  }
  if (marked) {
    machine.clock.pass(100);
    await turns();
  }
  machine.vfs.kill();
  machine.vfs.restart();
  const segments = await machine.segments();
  expect(segments.length).toBeGreaterThanOrEqual(3);
  return { machine, segments };
}

function flip(machine: Machine, path: string, position: number): void {
  machine.vfs.flipBit(path, position, 5);
}

/** Overwrites bytes of a file, durably. */
async function overwrite(
  machine: Machine,
  path: string,
  position: number,
  bytes: Uint8Array,
): Promise<void> {
  const file = machine.vfs.openSync(path);
  file.writeSync([bytes], position);
  await file.datasync();
  await file.close();
}

/** Where the value is the `nth` time from the start; it stands in its key, too. */
function offsetOf(machine: Machine, path: string, value: string): number {
  return Buffer.from(machine.vfs.contentOf(path)).indexOf(value);
}

function corruptAt(path: string, offset?: number): object {
  const at = offset === undefined ? '\\d+' : `${offset}`;
  return {
    code: 'DLE_CORRUPT',
    message: expect.stringMatching(new RegExp(`^${path} at byte ${at}: `)),
  };
}

describe('damage', () => {
  it('in any segment is corruption where a later frame knows that it was flushed', async () => {
    for (const which of [0, 1, 2]) {
      const { machine, segments } = await machineWithLog({ marked: true });
      const path = segments[which]!;
      const value = VALUES.find((each) => offsetOf(machine, path, each) > 0)!;
      const position = offsetOf(machine, path, value);
      flip(machine, path, position + 300);
      await expect(machine.open()).rejects.toMatchObject(corruptAt(path));
      // The same each time: nothing was removed, nothing written.
      await expect(machine.open()).rejects.toMatchObject(corruptAt(path));
      flip(machine, path, position + 300);
      expect(await valuesOf(await machine.open())).toEqual(VALUES);
    }
  });

  it('of the last write before an idle time is corruption, not a torn write', async () => {
    const { machine, segments } = await machineWithLog({ marked: true });
    const path = segments.at(-1)!;
    flip(machine, path, offsetOf(machine, path, VALUES.at(-1)!) + 300);
    await expect(machine.open()).rejects.toMatchObject(corruptAt(path));
  });

  it('of a write that need not have been durable, long before, is corruption as well', async () => {
    const machine = new Machine();
    const log = await machine.open();
    log.append(batchOf(1, 1, 'value'), { durable: false });
    for (let idle = 0; idle < 2; idle++) {
      await turns();
      machine.clock.pass(100);
    }
    await turns();
    machine.vfs.kill();
    machine.vfs.restart();
    const [path] = await machine.segments();
    flip(machine, path!, offsetOf(machine, path!, 'value'));
    await expect(machine.open()).rejects.toMatchObject(corruptAt(path!));
  });

  it('of the last write, when nothing says that it was flushed, is a torn write', async () => {
    const { machine, segments } = await machineWithLog({ marked: false });
    const path = segments.at(-1)!;
    flip(machine, path, offsetOf(machine, path, VALUES.at(-1)!) + 300);
    const log = await machine.open();
    expect(await valuesOf(log)).toEqual(VALUES.slice(0, -1));
    await log.whenFlushed(log.append(batchOf(12, 1, 'another')));
    expect(await valuesOf(await machine.crash())).toEqual([...VALUES.slice(0, -1), 'another']);
  });

  it('of the header of a segment is named at its beginning', async () => {
    for (const which of [0, 1, 2]) {
      for (const position of [0, 8, 20, 30, 50, 61]) {
        const { machine, segments } = await machineWithLog({ marked: true });
        flip(machine, segments[which]!, position);
        await expect(machine.open()).rejects.toMatchObject(corruptAt(segments[which]!, 0));
      }
    }
  });

  it('that zeros a part of the middle is corruption', async () => {
    for (const which of [0, 1, 2]) {
      const { machine, segments } = await machineWithLog({ marked: true });
      await overwrite(machine, segments[which]!, 1_024, new Uint8Array(1_024));
      await expect(machine.open()).rejects.toMatchObject(corruptAt(segments[which]!));
    }
  });

  it('that takes a file away is corruption', async () => {
    for (const which of [0, 1]) {
      const { machine, segments } = await machineWithLog({ marked: true });
      await machine.vfs.unlink(segments[which]!);
      await expect(machine.open()).rejects.toMatchObject({ code: 'DLE_CORRUPT' });
    }
  });

  it('that empties the only segment of a log that has grown is corruption', async () => {
    const machine = new Machine();
    const log = await machine.open({ segmentSize: 8 * 1024 ** 2 });
    await log.whenFlushed(log.append(batchOf(1, 1, 'x'.repeat(2 * 1024 ** 2))));
    machine.vfs.kill();
    machine.vfs.restart();
    const [path] = await machine.segments();
    await overwrite(machine, path!, 0, new Uint8Array(machine.vfs.contentOf(path!).length));
    await expect(machine.open()).rejects.toMatchObject(corruptAt(path!, 0));
  });

  it('of a file glued together from two histories is corruption', async () => {
    const machine = new Machine();
    const write = async (commit: number, ...values: string[]): Promise<Uint8Array> => {
      const log = await machine.open();
      log.setCommit(commit);
      for (const value of values) {
        await log.whenFlushed(log.append(batchOf(log.lastIndex + 1, 1, value)));
      }
      await log.close();
      return machine.vfs.contentOf((await machine.segments())[0]!);
    };
    const common = await write(0, 'a');
    const [path] = await machine.segments();
    const one = await write(1, 'x', 'y', 'z');
    await overwrite(machine, path!, 0, common);
    await write(0, 'X', 'Y', 'Z');
    // Of one length, frame by frame: but for the commit index the second half could follow the
    // first.
    const middle = offsetOf(machine, path!, 'key of Y') - 128;
    await overwrite(machine, path!, middle, one.subarray(middle));
    await expect(machine.open()).rejects.toMatchObject(corruptAt(path!, middle));
  });

  it('of intact records that do not follow from those before is corruption', async () => {
    const { machine, segments } = await machineWithLog({ marked: true });
    const path = segments[0]!;
    // The first entry becomes entry 7, all its checksums fresh; the frame around it has none of the
    // body.
    const record = machine.vfs.contentOf(path).slice(256, 320);
    const view = new DataView(record.buffer);
    expect(view.getUint32(16, true)).toBe(1);
    view.setUint32(16, 7, true);
    view.setUint32(60, crc32(record.subarray(0, 60)), true);
    await overwrite(machine, path, 256, record);
    await expect(machine.open()).rejects.toMatchObject(corruptAt(path, 256));
  });
});

describe('what a crash leaves behind', () => {
  it('an empty file, or one of zeros, for the next segment is removed', async () => {
    for (const size of [0, 10, 4_096]) {
      const { machine, segments } = await machineWithLog({ marked: true });
      const path = '/log/00000000000000aa.segment';
      const file = machine.vfs.createSync(path);
      file.writeSync([new Uint8Array(size)], 0);
      await file.close();
      const log = await machine.open();
      expect(await valuesOf(log)).toEqual(VALUES);
      expect(await machine.segments()).toEqual(segments);
      await log.whenFlushed(log.append(batchOf(13, 1, 'next')));
      // An id that was seen is not used again.
      expect((await machine.segments()).at(-1)).toBe('/log/00000000000000ab.segment');
      expect(await valuesOf(await machine.crash())).toEqual([...VALUES, 'next']);
    }
  });

  it('a log whose making was interrupted is made again', async () => {
    for (const content of [new Uint8Array(0), new Uint8Array(4_096), new Uint8Array(100).fill(7)]) {
      const machine = new Machine();
      const file = machine.vfs.createSync('/log/0000000000000001.segment');
      file.writeSync([content], 0);
      await file.close();
      const log = await machine.open();
      await log.whenFlushed(log.append(batchOf(1, 1, 'a')));
      expect(await machine.segments()).toEqual(['/log/0000000000000002.segment']);
      const { storeId } = log;
      const again = await machine.crash();
      expect([again.storeId, await valuesOf(again)]).toEqual([storeId, ['a']]);
    }
  });

  it('a log of which no frame is whole any more is refused, and left as it is', async () => {
    const machine = new Machine();
    const log = await machine.open();
    await log.whenFlushed(log.append(batchOf(1, 1, 'a'.repeat(100))));
    await log.close();
    const [path] = await machine.segments();
    const used = machine.vfs.contentOf(path!).findLastIndex((byte) => byte !== 0);
    for (let offset = 8; offset <= used; offset += 16) machine.vfs.flipBit(path!, offset, 1);
    const content = machine.vfs.contentOf(path!);
    await expect(machine.open()).rejects.toMatchObject({ code: 'DLE_CORRUPT' });
    expect(machine.vfs.contentOf(path!)).toEqual(content);
  });

  it.each(['is gone', 'has a damaged head'])(
    'a log that is known to reach a segment that %s is refused, and left as it is',
    async (how) => {
      const { machine, segments } = await machineWithLog({ marked: true });
      const last = segments.at(-1)!;
      const reachesSegment = segments.length;
      if (how === 'is gone') await machine.vfs.unlink(last);
      else {
        // Nothing in it says any more that it was flushed.
        const content = machine.vfs.contentOf(last);
        for (let offset = 8; offset < content.length; offset += 16) {
          machine.vfs.flipBit(last, offset, 1);
        }
      }
      const left = await machine.segments();
      await expect(machine.open({ reachesSegment })).rejects.toMatchObject({
        code: 'DLE_CORRUPT',
        message: expect.stringContaining('the end of the log is damaged or missing'),
        details: expect.objectContaining({ file: last }),
      });
      expect(await machine.segments()).toEqual(left);
      // Who knows nothing of it cannot miss it.
      await (await machine.open()).close();
    },
  );

  it('a spare segment, made for what then found no room, does not disturb', async () => {
    const machine = new Machine(1, { capacityBytes: 9_000 });
    const log = await machine.open();
    await log.whenFlushed(log.append(batchOf(1, 1, 'a'.repeat(3_000))));
    expect(() => log.append(batchOf(2, 1, 'b'.repeat(6_000)))).toThrow(/ENOSPC/);
    expect((await machine.segments()).length).toBe(2);
    await log.close();
    const again = await machine.open();
    expect(again.lastIndex).toBe(1);
    expect((await machine.segments()).length).toBe(1);
    await again.close();
  });

  it('files of other names are left alone', async () => {
    const { machine } = await machineWithLog({ marked: true });
    const names = [
      'notes.txt',
      '1.segment',
      '00000000000000zz.segment',
      '0000000000000001.segment.old',
    ];
    for (const name of names) await machine.vfs.createSync(`/log/${name}`).close();
    await (await machine.open()).close();
    expect(await machine.vfs.list('/log')).toEqual(expect.arrayContaining(names));
  });

  it('bytes of a value that look like frames of a log are not taken for any', async () => {
    // A value in the torn last write holds a longer log, with frames that speak of flushed ones.
    const { machine: other, segments } = await machineWithLog({ marked: true });
    const value = other.vfs.contentOf(segments[1]!);
    const machine = new Machine();
    const log = await machine.open({ segmentSize: 64 * 1024 });
    await log.whenFlushed(log.append(batchOf(1, 1, 'a')));
    const builder = new EntryBatchBuilder(2, 1);
    builder.put(toBytes('multiple of eight bytes!'), value);
    builder.endEntry();
    await log.whenFlushed(log.append(builder.finish()));
    machine.vfs.kill();
    machine.vfs.restart();
    const [path] = await machine.segments();
    flip(machine, path!, offsetOf(machine, path!, 'multiple'));
    const again = await machine.open();
    expect(await valuesOf(again)).toEqual(['a']);
    await again.close();
  });
});

describe('what this version does not know', () => {
  const sealed = (header: Uint8Array, change: (view: DataView) => void): Uint8Array => {
    const bytes = new Uint8Array(header);
    const view = new DataView(bytes.buffer);
    change(view);
    view.setUint32(60, crc32(bytes.subarray(0, 60)), true);
    return bytes;
  };

  it('is DLE_FORMAT, with the file and what to do', async () => {
    // The header of the segment, of its first frame, of its first record.
    const places: [number, (view: DataView) => void][] = [
      [0, (view) => view.setUint8(8, 2)],
      [0, (view) => view.setUint8(9, 1)],
      [0, (view) => view.setUint32(36, 1, true)],
      [64, (view) => view.setUint8(4, 2)],
      [64, (view) => view.setUint8(5, 2)],
      [256, (view) => view.setUint8(1, 2)],
      [256, (view) => view.setUint8(3, 9)],
    ];
    for (const [position, change] of places) {
      const { machine, segments } = await machineWithLog({ marked: true });
      const header = machine.vfs.contentOf(segments[0]!).subarray(position, position + 64);
      await overwrite(machine, segments[0]!, position, sealed(header, change));
      await expect(machine.open()).rejects.toMatchObject({
        code: 'DLE_FORMAT',
        message: expect.stringMatching(
          new RegExp(`^${segments[0]} at byte ${position}: .*newer version`),
        ),
      });
    }
  });

  it('includes a segment of another store', async () => {
    const { machine, segments } = await machineWithLog({ marked: true });
    const header = machine.vfs.contentOf(segments[1]!).subarray(0, 64);
    const foreign = sealed(header, (view) => view.setUint8(40, view.getUint8(40) ^ 1));
    await overwrite(machine, segments[1]!, 0, foreign);
    await expect(machine.open()).rejects.toMatchObject({
      code: 'DLE_FORMAT',
      message: expect.stringContaining(`${segments[1]} belongs to store`),
    });
  });
});

describe('recovery', () => {
  it('opens with a prefix that holds all flushed frames, wherever the last write is cut', async () => {
    for (let cut = 0; cut <= 300; cut += 3) {
      const { machine, segments } = await machineWithLog({ marked: false });
      const path = segments.at(-1)!;
      const end = machine.vfs.contentOf(path).findLastIndex((byte) => byte !== 0) + 1;
      await overwrite(machine, path, end - cut, new Uint8Array(cut));
      const log = await machine.open();
      const held = cut === 0 ? VALUES.length : VALUES.length - 1;
      expect(await valuesOf(log)).toEqual(VALUES.slice(0, held));
    }
  });

  it('does not count as flushed what it could not flush', async () => {
    const { machine } = await machineWithLog({ marked: false });
    machine.vfs.plan({ failFlush: 1 });
    await expect(machine.open()).rejects.toMatchObject({ code: 'DLE_IO' });
  });

  it('leaves a log as it is that it cannot read, and unlocked', async () => {
    const { machine, segments } = await machineWithLog({ marked: true });
    const before = segments.map((path) => machine.vfs.contentOf(path));
    flip(machine, segments[0]!, 700);
    await expect(machine.open()).rejects.toMatchObject({ code: 'DLE_CORRUPT' });
    flip(machine, segments[0]!, 700);
    expect(await machine.segments()).toEqual(segments);
    expect(segments.map((path) => machine.vfs.contentOf(path))).toEqual(before);
    expect(await valuesOf(await machine.open())).toEqual(VALUES);
  });

  it('reads a log of many times the largest piece it reads at once', async () => {
    const machine = new Machine();
    let log = await machine.open({ segmentSize: 16 * 1024 ** 2, tailCacheBytes: 0 });
    const values = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(700_000));
    for (const [place, value] of values.entries()) {
      await log.whenFlushed(log.append(batchOf(place + 1, 1, value)));
    }
    log = await machine.crash({ tailCacheBytes: 0 });
    expect(await valuesOf(log)).toEqual(values);
    await log.close();
  });
});
