import { SeededRandom, systemClock } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { MemVfs } from '../../src/testing/index.js';

const PATH = '/d/file';

function makeVfs(seed: number): MemVfs {
  return new MemVfs({ random: new SeededRandom(seed), clock: systemClock });
}

/** How many bytes of a write of 3 parts, 3,000 in all, were done, over many seeds. */
function doneOf(fault: 'killAtOperation' | 'failWrite'): number[] {
  return Array.from({ length: 40 }, (_, seed) => {
    const vfs = makeVfs(seed);
    const file = vfs.createSync(PATH);
    vfs.plan({ [fault]: 1 });
    const parts = [1, 2, 3].map((byte) => new Uint8Array(1_000).fill(byte));
    expect(() => file.writeSync(parts, 0)).toThrow();
    if (vfs.down) vfs.restart();
    const content = vfs.contentOf(PATH);
    const whole = Buffer.concat(parts);
    expect(whole.subarray(0, content.length)).toEqual(Buffer.from(content));
    return content.length;
  });
}

describe('MemVfs', () => {
  it('stops a write somewhere when the process is killed in it, or when it fails', () => {
    for (const fault of ['killAtOperation', 'failWrite'] as const) {
      const done = doneOf(fault);
      expect(new Set(done).size).toBeGreaterThan(20);
      expect(Math.max(...done)).toBeGreaterThan(2_000);
      expect(Math.min(...done)).toBeLessThan(1_000);
    }
  });

  it('says how the process has ended, and in what', async () => {
    const vfs = makeVfs(1);
    expect(vfs.end).toBeUndefined();
    vfs.plan({ crashAtOperation: 2 });
    vfs.createSync(PATH);
    expect(() => vfs.openSync(PATH)).toThrow();
    const [operation, previous] = [`open ${PATH}`, `create ${PATH}`];
    expect(vfs.end).toEqual({ kind: 'crash', operation, previous });
    vfs.restart();
    expect([vfs.end, vfs.down]).toEqual([undefined, false]);
    vfs.kill();
    expect(vfs.end).toEqual({ kind: 'kill', operation: undefined, previous: undefined });
    vfs.crash();
    expect(vfs.end).toEqual({ kind: 'crash', operation: undefined, previous: undefined });
  });

  it('tells what it holds', async () => {
    const vfs = makeVfs(1);
    vfs.createSync('/d/a').writeSync([new Uint8Array(100)], 0);
    vfs.createSync('/d/b').writeSync([new Uint8Array(50)], 50);
    expect([vfs.paths, vfs.usedBytes]).toEqual([['/d/a', '/d/b'], 200]);
    await vfs.unlink('/d/a');
    expect([vfs.paths, vfs.usedBytes]).toEqual([['/d/b'], 100]);
    const file = vfs.openSync('/d/b');
    expect(vfs.openPaths).toEqual(['/d/a', '/d/b', '/d/b']);
    await file.close();
    expect(vfs.openPaths).toEqual(['/d/a', '/d/b']);
    vfs.restart();
    expect(vfs.openPaths).toEqual([]);
  });

  it('loses for ever what a flush of a file failed to flush, and shows it until then', async () => {
    const vfs = makeVfs(1);
    const file = vfs.createSync(PATH);
    await vfs.syncDirectory('/d');
    file.writeSync([Uint8Array.of(1)], 0);
    await file.datasync();
    file.writeSync([Uint8Array.of(2)], 0);
    vfs.plan({ failFlush: 1 });
    await expect(file.datasync()).rejects.toMatchObject({ code: 'DLE_IO' });
    await file.datasync();
    vfs.kill();
    vfs.restart();
    expect([...vfs.contentOf(PATH)]).toEqual([2]);
    vfs.restart();
    expect([...vfs.contentOf(PATH)]).toEqual([1]);
  });

  it('fails the flush of a directory, whose names a later one flushes', async () => {
    for (let seed = 1; seed < 10; seed++) {
      const vfs = makeVfs(seed);
      vfs.createSync(PATH);
      vfs.plan({ failFlush: 1 });
      await expect(vfs.syncDirectory('/d')).rejects.toMatchObject({ code: 'DLE_IO' });
      await vfs.syncDirectory('/d');
      vfs.restart();
      expect(vfs.paths).toEqual([PATH]);
    }
  });

  it('forgets nothing at a crash of what was flushed', async () => {
    for (let seed = 1; seed < 10; seed++) {
      const vfs = makeVfs(seed);
      const file = vfs.createSync(PATH);
      file.writeSync([new Uint8Array(2_000).fill(7)], 0);
      await file.datasync();
      await vfs.syncDirectory('/d');
      vfs.restart();
      vfs.restart();
      expect(vfs.contentOf(PATH)).toEqual(new Uint8Array(2_000).fill(7));
    }
  });
});
