import { MAX_VALUE_BYTES, toBytes } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { EntryBatch, EntryBatchBuilder, Namespace } from '../../src/internal.js';
import { batchOf, DIRECTORY, Machine, valuesOf } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

describe('append', () => {
  it('holds entries over closing and opening, under the same id', async () => {
    const machine = new Machine();
    const log = await machine.open();
    const { storeId } = log;
    expect(storeId).toMatch(/^[0-9a-f]{32}$/);
    log.append(batchOf(1, 1, 'a', 'b'));
    await log.whenFlushed(log.append(batchOf(3, 2, 'c')));
    await log.close();
    const again = await machine.open();
    expect(again.storeId).toBe(storeId);
    expect([again.lastIndex, again.termAt(0), again.termAt(2), again.termAt(3)]).toEqual([
      3, 0, 1, 2,
    ]);
    expect(await valuesOf(again)).toEqual(['a', 'b', 'c']);
    await again.close();
  });

  it('puts what one turn appends into one frame and one flush, begun when the turn ends', async () => {
    const log = await new Machine().open();
    const before = log.counters;
    const sequences = ['a', 'b', 'c'].map((value, place) =>
      log.append(batchOf(place + 1, 1, value)),
    );
    expect(new Set(sequences).size).toBe(1);
    await Promise.resolve();
    expect([log.submitted, log.flushed]).toEqual([before.frames, before.frames]);
    expect(log.whenFlushed(sequences[0]!)).toBe(log.whenFlushed(sequences[0]!));
    await log.whenFlushed(sequences[0]!);
    expect(log.counters).toMatchObject({ flushes: before.flushes + 1, frames: before.frames + 1 });
    await log.close();
  });

  it('has one flush under way at a time, and takes what comes meanwhile into the next', async () => {
    const machine = new Machine();
    const log = await machine.open();
    const before = log.counters.flushes;
    log.append(batchOf(1, 1, 'a'));
    while (log.submitted < log.accepted) await turns(1);
    expect(log.flushed).toBeLessThan(log.submitted);
    log.append(batchOf(2, 1, 'b'));
    const last = log.append(batchOf(3, 1, 'c'));
    await turns(1);
    expect(log.submitted).toBeLessThan(last);
    await log.whenFlushed(last);
    expect(log.counters.flushes).toBe(before + 2);
    await log.close();
  });

  it('writes at once what would take too much memory, and flushes it all the same', async () => {
    const log = await new Machine().open({ segmentSize: 256 * 1024 ** 2 });
    const value = 'x'.repeat(MAX_VALUE_BYTES);
    log.append(batchOf(1, 1, value, value));
    // The turn has not ended.
    const submitted = log.submitted;
    const last = log.append(batchOf(3, 1, 'small'));
    expect(log.submitted).toBeGreaterThan(submitted);
    expect(log.submitted).toBeLessThan(last);
    await log.whenFlushed(last);
    expect(log.flushed).toBe(last);
    await log.close();
  });

  it('leaves what need not be durable to the next flush, or to idleness', async () => {
    const machine = new Machine();
    const log = await machine.open();
    const sequence = log.append(batchOf(1, 1, 'a'), { durable: false });
    await turns();
    expect(log.submitted).toBe(sequence);
    expect(log.flushed).toBeLessThan(sequence);
    machine.clock.pass(100);
    await turns();
    expect(log.flushed).toBeGreaterThanOrEqual(sequence);
    await log.close();
  });

  it('refuses entries that do not follow', async () => {
    const log = await new Machine().open();
    log.append(batchOf(1, 3, 'a', 'b', 'c'));
    log.setCommit(2);
    const refused = (batch: EntryBatch, replaces: boolean) =>
      expect(() => log.append(batch, { replaces })).toThrow(/assertion failed/);
    refused(batchOf(5, 3, 'gap'), true);
    refused(batchOf(3, 3, 'not said to replace'), false);
    refused(batchOf(2, 4, 'committed'), true);
    refused(batchOf(4, 2, 'term falls'), false);
    expect(await valuesOf(log)).toEqual(['a', 'b', 'c']);
    await log.close();
  });

  it('replaces entries from an index on, for good', async () => {
    const machine = new Machine();
    let log = await machine.open();
    log.append(batchOf(1, 1, 'a', 'b', 'c'));
    log.append(batchOf(2, 2, 'B'), { replaces: true });
    await log.whenFlushed(log.append(batchOf(3, 2, 'C', 'D')));
    for (let round = 0; round < 2; round++) {
      expect(await valuesOf(log)).toEqual(['a', 'B', 'C', 'D']);
      expect([1, 2, 4].map((index) => log.termAt(index))).toEqual([1, 2, 2]);
      log = await machine.crash();
    }
    await log.close();
  });

  it('never shows replaced entries as committed, whenever the commit index was learnt', async () => {
    const machine = new Machine();
    const log = await machine.open();
    // All in one turn: the frame of the replaced entry is written when index 2 is committed.
    log.append(batchOf(1, 1, 'a', 'replaced'));
    const last = log.append(batchOf(2, 2, 'b'), { replaces: true });
    log.setCommit(2);
    await log.whenFlushed(last);
    machine.vfs.restart();
    const committed: string[] = [];
    const components = { vfs: machine.vfs, clock: machine.clock, random: machine.random };
    const { Log } = await import('../../src/internal.js');
    const again = await Log.open(
      components,
      { directory: DIRECTORY },
      {
        recovered: (entries) => {
          if (entries.commit < 2) return;
          entries.visit(2, 2, (batch) => committed.push(text(batch.entryBytes(2).subarray(64))!));
        },
      },
    );
    expect(again.commit).toBe(2);
    expect(committed.join()).not.toContain('replaced');
    expect(committed.join()).toContain('key of b');
    await again.close();
  });
});

describe('segments', () => {
  it('follow one another when they are full; an entry never spans two, nor does a large one fail', async () => {
    const machine = new Machine();
    const log = await machine.open();
    const values = Array.from({ length: 60 }, (_, i) => `${i}`.padEnd((i * 37) % 600, '.'));
    values[30] = 'large'.padEnd(20_000, '.');
    for (const [place, value] of values.entries()) {
      log.append(batchOf(place + 1, 1, value));
      if (place % 7 === 0) await log.whenFlushed(log.accepted);
    }
    await log.whenFlushed(log.accepted);
    const segments = await machine.segments();
    expect(segments.length).toBe(log.counters.segments);
    expect(segments.length).toBeGreaterThan(6);
    const sizes = segments.map((path) => machine.vfs.contentOf(path).length);
    expect(sizes.filter((size) => size > 4_096).length).toBe(1);
    expect(log.counters.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(await valuesOf(log)).toEqual(values);
    const again = await machine.crash();
    expect(await valuesOf(again)).toEqual(values);
    expect(again.counters.segments).toBe(segments.length);
    await again.close();
  });

  it('each begin with the local state as it then was', async () => {
    const machine = new Machine();
    const log = await machine.open();
    log.setLocalState('vote', toBytes('first'));
    log.setLocalState('cluster', toBytes('id'));
    log.setLocalState('vote', toBytes('second'));
    await log.whenFlushed(log.append(batchOf(1, 1, 'x'.repeat(3_900))));
    const [first, second] = await machine.segments();
    const head = Buffer.from(machine.vfs.contentOf(second!)).subarray(0, 400).toString('latin1');
    expect(head).toContain('votesecond');
    expect(head).toContain('clusterid');
    expect(head).not.toContain('votefirst');
    expect(Buffer.from(machine.vfs.contentOf(first!)).includes('votefirst')).toBe(true);
    const again = await machine.crash();
    expect([text(again.localState('vote')), text(again.localState('cluster'))]).toEqual([
      'second',
      'id',
    ]);
    await again.close();
  });

  it('go on after a clean close, and end with a crash', async () => {
    const machine = new Machine();
    let log = await machine.open();
    await log.whenFlushed(log.append(batchOf(1, 1, 'a')));
    await log.close();
    log = await machine.open();
    await log.whenFlushed(log.append(batchOf(2, 1, 'b')));
    expect(log.counters.segments).toBe(1);
    log = await machine.crash();
    await log.whenFlushed(log.append(batchOf(3, 1, 'c')));
    expect(log.counters.segments).toBe(2);
    await log.close();
    log = await machine.open();
    expect(await valuesOf(log)).toEqual(['a', 'b', 'c']);
    await log.close();
  });

  it('go on in a smaller size than before', async () => {
    const machine = new Machine();
    let log = await machine.open({ segmentSize: 64 * 1024 });
    await log.whenFlushed(log.append(batchOf(1, 1, 'a'.repeat(10_000))));
    await log.close();
    log = await machine.open({ segmentSize: 4_096 });
    for (let index = 2; index < 60; index++) log.append(batchOf(index, 1, 'b'.repeat(1_500)));
    await log.whenFlushed(log.accepted);
    log = await machine.crash();
    expect(log.lastIndex).toBe(59);
    await log.close();
  });

  it('that are opened and closed with nothing written stay as they are', async () => {
    const machine = new Machine();
    await (await machine.open()).close();
    const before = machine.vfs.contentOf((await machine.segments())[0]!);
    for (let round = 0; round < 3; round++) await (await machine.open()).close();
    expect(machine.vfs.contentOf((await machine.segments())[0]!)).toEqual(before);
  });
});

describe('idle frames', () => {
  it('are written once when nothing happens, and again after something has', async () => {
    const machine = new Machine();
    const log = await machine.open();
    const frames = async () => {
      await turns();
      return log.counters.frames;
    };
    await log.whenFlushed(log.append(batchOf(1, 1, 'a', 'b')));
    const before = await frames();
    machine.clock.pass(99);
    expect(await frames()).toBe(before);
    machine.clock.pass(1);
    expect(await frames()).toBe(before + 1);
    machine.clock.pass(1_000);
    expect(await frames()).toBe(before + 1);
    log.setCommit(1);
    machine.clock.pass(100);
    expect(await frames()).toBe(before + 2);
    log.setCommit(1);
    machine.clock.pass(100);
    expect(await frames()).toBe(before + 2);
    expect((await machine.crash()).commit).toBe(1);
  });

  it('are put off while something happens', async () => {
    const machine = new Machine();
    const log = await machine.open();
    let frames = log.counters.frames;
    for (let index = 1; index < 10; index++) {
      await log.whenFlushed(log.append(batchOf(index, 1, 'a')));
      machine.clock.pass(60);
      await turns();
      frames++;
    }
    expect(log.counters.frames).toBe(frames);
    await log.close();
  });

  it('follow a sealed segment at once', async () => {
    const machine = new Machine();
    const log = await machine.open();
    await log.whenFlushed(log.append(batchOf(1, 1, 'a'.repeat(3_900))));
    const [, second] = await machine.segments();
    await turns();
    // Two frames of the empty log, the local state, the entry, and the idle frame behind it.
    expect([log.counters.frames, log.flushed]).toEqual([5, 5]);
    const end = Buffer.from(machine.vfs.contentOf(second!)).lastIndexOf('DLEF');
    expect(machine.vfs.contentOf(second!).subarray(end + 20, end + 24)).toEqual(new Uint8Array(4));
    await log.close();
  });

  it('may begin a segment before anybody listens, which is told of all the same', async () => {
    const machine = new Machine();
    const first = await machine.open();
    await first.whenFlushed(first.append(batchOf(1, 1, 'a')));
    machine.vfs.crash();
    machine.vfs.restart();
    const log = await machine.open();
    expect(log.unvouched).toEqual([]);
    machine.clock.pass(100);
    await turns();
    expect(log.unvouched.map(({ id }) => id)).toEqual([1]);
    const heard: number[] = [];
    log.onSealed(({ id }) => heard.push(id));
    await log.whenFlushed(log.append(batchOf(2, 1, 'b'.repeat(3_900))));
    await turns();
    expect([heard, log.unvouched.length]).toEqual([[2], 1]);
    await log.close();
  });

  it('always find room, so that a full log can be closed cleanly', async () => {
    for (let length = 3_500; length < 3_850; length += 8) {
      const machine = new Machine();
      const log = await machine.open();
      await log.whenFlushed(log.append(batchOf(1, 1, 'a'.repeat(length))));
      const { segments } = log.counters;
      machine.clock.pass(100);
      await turns();
      await log.close();
      const again = await machine.open();
      expect(again.counters.segments).toBe(segments);
      await again.whenFlushed(again.append(batchOf(2, 1, 'b')));
      await again.close();
    }
  });
});

describe('local state', () => {
  it('is a copy, and bounded', async () => {
    const log = await new Machine().open({ segmentSize: 256 * 1024 });
    const value = toBytes('vote');
    log.setLocalState('vote', value);
    value.fill(0);
    log.localState('vote')!.fill(0);
    expect(text(log.localState('vote'))).toBe('vote');
    expect(log.localState('other')).toBeUndefined();
    expect(() => log.setLocalState('large', new Uint8Array(65_536))).toThrow(
      expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
    );
    for (let round = 0; round < 5; round++) log.setLocalState('large', new Uint8Array(60_000));
    await log.close();
  });
});

describe('read', () => {
  it('is answered at once from the tail cache, from the files behind it, and across both', async () => {
    const machine = new Machine();
    const log = await machine.open({ tailCacheBytes: 1_500 });
    const values = Array.from({ length: 30 }, (_, i) => `${i}`.padEnd(200, '.'));
    for (const [place, value] of values.entries()) {
      await log.whenFlushed(log.append(batchOf(place + 1, 1, value)));
    }
    log.append(batchOf(31, 1, 'not yet written'));
    expect(log.read(29, 31)).toBeInstanceOf(EntryBatch);
    for (const [from, to] of [
      [1, 1],
      [1, 31],
      [3, 28],
      [12, 31],
      [26, 30],
    ] as const) {
      const read = log.read(from, to);
      if (from < 20) expect(read).toBeInstanceOf(Promise);
      const batch = await read;
      expect([batch.firstIndex, batch.lastIndex]).toEqual([from, to]);
      const whole = EntryBatch.decode(batch.bytes);
      expect(whole.count).toBe(to - from + 1);
    }
    expect((await valuesOf(log)).slice(0, 30)).toEqual(values);
    for (const [from, to] of [
      [0, 1],
      [1, 32],
      [5, 4],
    ] as const) {
      expect(() => log.read(from, to)).toThrow(
        expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
      );
    }
    await log.close();
  });

  it('never looks in the files for what is only in memory, however small the cache', async () => {
    const log = await new Machine().open({ tailCacheBytes: 0 });
    log.append(batchOf(1, 1, 'a', 'b'));
    expect(log.read(1, 2)).toBeInstanceOf(EntryBatch);
    await log.whenFlushed(log.accepted);
    expect(log.read(1, 2)).toBeInstanceOf(Promise);
    expect(await valuesOf(log)).toEqual(['a', 'b']);
    await log.close();
  });

  it('gives the entries as they were at the call, when they are replaced meanwhile', async () => {
    const log = await new Machine().open({ tailCacheBytes: 0 });
    await log.whenFlushed(log.append(batchOf(1, 1, 'a', 'b')));
    const reading = log.read(1, 2);
    log.append(batchOf(2, 2, 'B'), { replaces: true });
    const values: string[] = [];
    (await reading).forEachRecord((record) => values.push(text(record.value)!));
    expect(values).toEqual(['a', 'b']);
    expect(await valuesOf(log)).toEqual(['a', 'B']);
    await log.close();
  });

  it('does not keep a large buffer alive for a small batch cut out of it', async () => {
    const log = await new Machine().open();
    const received = new Uint8Array(1_000_000);
    const entry = batchOf(1, 1, 'a').bytes;
    received.set(entry, 5_000);
    log.append(EntryBatch.decode(received.subarray(5_000, 5_000 + entry.length)));
    const batch = await log.read(1, 1);
    expect(batch.bytes.buffer.byteLength).toBeLessThan(1_000);
    expect(await valuesOf(log)).toEqual(['a']);
    await log.close();
  });

  it('names file and offset of what rotted', async () => {
    const machine = new Machine();
    const log = await machine.open({ tailCacheBytes: 0 });
    await log.whenFlushed(log.append(batchOf(1, 1, 'first', 'second')));
    const [path] = await machine.segments();
    const content = Buffer.from(machine.vfs.contentOf(path!));
    machine.vfs.flipBit(path!, content.indexOf('second', content.indexOf('second') + 6), 3);
    await expect(log.read(1, 2)).rejects.toMatchObject({
      code: 'DLE_CORRUPT',
      message: expect.stringMatching(
        /0000000000000001\.segment at byte \d+: wrong payload checksum/,
      ),
    });
    expect((await log.read(1, 1)).count).toBe(1);
    await log.close();
  });

  it('forgets entries that were released, and keeps the term before the first', async () => {
    const log = await new Machine().open();
    log.append(batchOf(1, 1, 'a', 'b'));
    log.append(batchOf(3, 2, 'c'));
    log.releaseEntriesBelow(3);
    expect([log.firstIndex, log.lastIndex, log.termAt(2), log.termAt(3)]).toEqual([3, 3, 1, 2]);
    expect(() => log.read(2, 3)).toThrow(/entries 2 to 3/);
    expect(() => log.termAt(1)).toThrow();
    log.releaseEntriesBelow(4);
    expect([log.firstIndex, log.termAt(3)]).toEqual([4, 2]);
    log.append(batchOf(4, 2, 'd'));
    expect(await log.read(4, 4)).toBeInstanceOf(EntryBatch);
    await log.close();
  });
});

describe('opaque entries', () => {
  it('are found again after recovery, but for those replaced or released', async () => {
    const machine = new Machine();
    let log = await machine.open();
    const builder = new EntryBatchBuilder(1, 1);
    for (const opaque of [true, false, true, true]) {
      if (opaque) builder.opaque(Namespace.consensus, toBytes('configuration'), toBytes('members'));
      else builder.put(toBytes('k'), toBytes('v'));
      builder.endEntry();
    }
    log.append(builder.finish());
    expect(log.opaqueIndexes()).toEqual([1, 3, 4]);
    await log.whenFlushed(log.append(batchOf(4, 2, 'x'), { replaces: true }));
    log = await machine.crash();
    expect(log.opaqueIndexes()).toEqual([1, 3]);
    const [found] = (await log.read(3, 3)).opaqueEntries();
    expect([found!.index, text(found!.key), text(found!.value)]).toEqual([
      3,
      'configuration',
      'members',
    ]);
    log.releaseEntriesBelow(2);
    expect(log.opaqueIndexes()).toEqual([3]);
    await log.close();
  });
});

describe('close', () => {
  it('writes and flushes what was accepted; nothing is taken after it', async () => {
    const machine = new Machine();
    const log = await machine.open();
    log.append(batchOf(1, 1, 'a'), { durable: false });
    const closing = log.close();
    expect(() => log.append(batchOf(2, 1, 'b'))).toThrow(
      expect.objectContaining({ code: 'DLE_CLOSED' }),
    );
    expect(log.close()).toBe(closing);
    await closing;
    machine.clock.pass(1_000);
    const again = await machine.crash();
    expect(await valuesOf(again)).toEqual(['a']);
    await again.close();
    expect(() => again.read(1, 1)).not.toThrow();
  });

  it('frees the directory, and only then', async () => {
    const machine = new Machine();
    const log = await machine.open();
    await expect(machine.open()).rejects.toMatchObject({ code: 'DLE_LOCKED' });
    await log.close();
    await (await machine.open()).close();
  });
});

describe('options', () => {
  it('are held against their ranges', async () => {
    const machine = new Machine();
    for (const options of [{ segmentSize: 4_095 }, { segmentSize: 2 ** 31 }, { idleFlushMs: 0 }]) {
      await expect(machine.open(options)).rejects.toMatchObject({ code: 'DLE_INVALID_ARGUMENT' });
    }
  });
});
