import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { Child } from '../support/child.js';

const KILLS = 20;

it(`holds everything acknowledged after ${KILLS} kills of the process that writes`, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dle-kill-'));
  let next = 0;
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const durability = kill % 4 === 3 ? 'none' : 'flush';
      const child = await Child.start('writer.mjs', directory, String(next), durability);
      await child.saysMoreThan(20 + ((kill * 37) % 200));
      await child.kill();
      const acknowledged = Number(child.lines.at(-1));
      next = await countIn(directory);
      expect(next).toBeGreaterThan(acknowledged);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

/** How many keys there are, from 0 on without a hole; each with its value. */
async function countIn(directory: string): Promise<number> {
  await using store = await LogStore.open(directory);
  let count = 0;
  for (; store.has(`key ${count}`); count++) {
    const value = Buffer.from(store.getSync(`key ${count}`)!).toString();
    expect(value).toBe(`value ${count} `.padEnd(count % 900, '.'));
  }
  expect(store.stats().keys).toBe(count);
  return count;
}
