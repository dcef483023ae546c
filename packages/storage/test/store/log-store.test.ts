import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDleError } from '@dle/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dle-store-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();
const segmentsOf = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.segment'))
    .sort();

describe('LogStore', () => {
  it('keeps puts, deletes and batches over closing and opening', async () => {
    for (let round = 0; round < 3; round++) {
      const store = await LogStore.open(root, { segmentSize: 4_096 });
      if (round > 0) expect(text(store.getSync(`k${round - 1}`))).toBe('v');
      await store.put(`k${round}`, 'v');
      await store.batch([
        { type: 'put', key: 'a', value: String(round) },
        { type: 'put', key: 'b', value: 'x'.repeat(3_000) },
        { type: 'del', key: 'gone' },
      ]);
      await store.put('gone', 'soon');
      await store.del('gone');
      expect(text(await store.get('a'))).toBe(String(round));
      expect(store.has('gone')).toBe(false);
      expect((await store.getMany(['a', 'none'])).map(text)).toEqual([String(round), undefined]);
      await store.close();
    }
    expect(segmentsOf(root).length).toBeGreaterThan(1);
  });

  it('keeps keys and values of every byte, none and the most', async () => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const store = await LogStore.open(root);
    const pairs: [Uint8Array, Uint8Array][] = [
      [every, every],
      [new Uint8Array(0), new Uint8Array(0)],
      [new Uint8Array(4_096).fill(7), new Uint8Array(8 * 1024 ** 2).fill(9)],
    ];
    for (const [key, value] of pairs) await store.put(key, value);
    for (const [key, value] of pairs) {
      expect(Buffer.compare(store.getSync(key)!, value)).toBe(0);
    }
    await expect(store.put(new Uint8Array(4_097), '')).rejects.toMatchObject({
      code: 'DLE_KEY_TOO_LARGE',
      effect: 'none',
    });
    await expect(store.put('k', new Uint8Array(8 * 1024 ** 2 + 1))).rejects.toMatchObject({
      code: 'DLE_VALUE_TOO_LARGE',
    });
    await store.close();
  });

  it('is open once, and not after it was closed', async () => {
    const store = await LogStore.open(root);
    await expect(LogStore.open(root)).rejects.toMatchObject({ code: 'DLE_LOCKED' });
    await store.close();
    await expect(store.put('k', 'v')).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    const again = await LogStore.open(root);
    await again.close();
  });

  it('shows a snapshot of one moment while writes go on', async () => {
    const store = await LogStore.open(root);
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.put(`k${i}`, 'old')));
    const snapshot = store.snapshotKeys();
    await Promise.all(Array.from({ length: 60 }, (_, i) => store.put(`k${i}`, 'new')));
    await store.del('k7');
    const seen = new Map<string, string>();
    for (let pairs = snapshot.next(50); pairs.length > 0; pairs = snapshot.next(50)) {
      for (const { key, value } of pairs) seen.set(text(key)!, text(value)!);
    }
    expect(seen.size).toBe(50);
    expect(new Set(seen.values())).toEqual(new Set(['old']));
    await store.close();
  });
});

describe('a log that was cut or damaged', () => {
  /** A store of some puts, stopped without being closed: a copy of its files while it is open. */
  async function stopped(): Promise<{ directory: string; file: string; count: number }> {
    const live = join(root, 'live');
    const directory = join(root, 'stopped');
    const store = await LogStore.open(live, { idleFlushMs: 60_000 });
    const count = 20;
    for (let i = 0; i < count; i++) await store.put(`k${i}`, `value ${i}`);
    cpSync(live, directory, { recursive: true });
    rmSync(join(directory, 'lock'), { force: true });
    await store.close();
    return { directory, file: join(directory, segmentsOf(directory)[0]!), count };
  }

  /**
   * Opens; checks that what is there is a prefix of what was written, and returns how long it is.
   */
  async function prefixIn(directory: string, count: number): Promise<number> {
    const store = await LogStore.open(directory);
    const held = Array.from({ length: count }, (_, i) => store.getSync(`k${i}`));
    await store.close();
    const length = held.filter((value) => value !== undefined).length;
    for (const [i, value] of held.entries()) {
      expect(text(value)).toBe(i < length ? `value ${i}` : undefined);
    }
    return length;
  }

  it('opens with a prefix of what was written, wherever its last bytes are cut off', async () => {
    const { directory, file, count } = await stopped();
    const pristine = join(root, 'pristine');
    copyFileSync(file, pristine);
    const end = readFileSync(file).findLastIndex((byte) => byte !== 0) + 1;
    for (let cut = 1; cut <= 300; cut++) {
      for (const name of segmentsOf(directory)) rmSync(join(directory, name));
      copyFileSync(pristine, file);
      truncateSync(file, end - cut);
      const length = await prefixIn(directory, count);
      // Each put was a frame of its own, of some 144 bytes; all but the last were known to be
      // flushed.
      expect(length).toBeGreaterThanOrEqual(count - 1 - Math.ceil(cut / 100));
    }
  }, 120_000);

  it('never gives wrong data, whichever byte is flipped, and says where it is corrupt', async () => {
    const { directory, file, count } = await stopped();
    const pristine = readFileSync(file);
    const end = pristine.findLastIndex((byte) => byte !== 0) + 1;
    let corrupt = 0;
    for (let position = 0; position < end; position += 3) {
      for (const name of segmentsOf(directory)) rmSync(join(directory, name));
      const damaged = Buffer.from(pristine.subarray(0, end + 4_096));
      damaged[position]! ^= 0x10;
      writeFileSync(file, damaged);
      try {
        // Damage that no flushed frame stands behind can only be in the last write.
        expect(await prefixIn(directory, count)).toBeGreaterThanOrEqual(count - 1);
      } catch (thrown) {
        if (!isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')) throw thrown;
        expect(thrown.message).toContain('.segment');
        corrupt++;
      }
    }
    expect(corrupt).toBeGreaterThan(end / 6);
  }, 120_000);
});
