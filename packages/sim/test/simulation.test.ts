import type { Vfs } from '@dle/storage/internal';
import { disguised, type MemVfs, withFlush } from '@dle/storage/testing';
import { describe, expect, it } from 'vitest';
import { Coverage, type SimEvent } from '../src/checks/coverage.js';
import { runSeeds } from '../src/run-seeds.js';
import { runSeed } from '../src/seed-report.js';
import { shrink } from '../src/shrink.js';
import { simulate } from '../src/simulation.js';

/** Enough that each fault comes several times, and few enough for a minute. */
const SEEDS = 30;

/** What is common enough to be met by so few seeds, whatever they draw. */
function isCommon(event: SimEvent): boolean {
  return event.startsWith('fault: ') || COMMON.includes(event);
}

const COMMON: readonly SimEvent[] = [
  'crashed in an operation',
  'killed in an operation',
  'leadership transferred',
  'member added',
  'leader replaced',
  'several leaders at once',
  'states compared',
  'put acknowledged',
  'put of unknown outcome',
  'del acknowledged',
  'get answered',
];

describe('a simulated cluster', () => {
  it('keeps all promises under faults, and comes to rest without', async () => {
    const coverage = new Coverage();
    const failures: string[] = [];
    await runSeeds(1, SEEDS, {}, ({ counts, failure }) => {
      coverage.add(counts);
      if (failure !== undefined) failures.push(failure.message);
    });
    expect(failures).toEqual([]);
    const never = [...coverage.counts].filter(([, times]) => times === 0).map(([event]) => event);
    expect(never.filter(isCommon)).toEqual([]);
  }, 240_000);

  it('has the same history again from the same seed, and another from another', async () => {
    const options = { events: 700 };
    for (const seed of [3, 4, 5]) {
      const lines: string[] = [];
      const trace = (line: string): void => void lines.push(line);
      const first = await simulate(seed, { ...options, trace });
      const { length } = lines;
      const second = await simulate(seed, { ...options, trace });
      expect(lines.slice(length)).toEqual(lines.slice(0, length));
      expect(second.hash).toBe(first.hash);
      expect(second.events).toBe(first.events);
      expect((await simulate(seed + 10, options)).hash).not.toBe(first.hash);
    }
  });

  it('is found out where disks forget what they say they have flushed', async () => {
    const forgets = (vfs: MemVfs): Vfs =>
      disguised(vfs, {}, (file) => withFlush(file, async () => {}));
    expect(await firstFailure(forgets)).toMatch(/^seed \d+: /);
  }, 120_000);

  it('fails in fewer events and with fewer faults when that is asked for', async () => {
    const forgets = (vfs: MemVfs): Vfs =>
      disguised(vfs, {}, (file) => withFlush(file, async () => {}));
    const options = { disguise: forgets, events: 700 };
    let seed = 1;
    let long = await runSeed(seed, options);
    while ((long.failure?.faults ?? 0) <= 2) long = await runSeed(++seed, options);
    const { failure, prefix, without } = await shrink(long.failure!, options, 25);
    expect(failure.events).toBeLessThanOrEqual(long.failure!.events);
    expect(without.length).toBeGreaterThan(0);
    const again = await runSeed(long.seed, { ...options, prefix, without: new Set(without) });
    expect(again.failure).toEqual(failure);
  }, 120_000);

  it('is found out where a flush never ends', async () => {
    const hangs = (vfs: MemVfs): Vfs =>
      disguised(vfs, {}, (file) => withFlush(file, () => new Promise(() => {})));
    expect(await firstFailure(hangs)).toMatch(/^seed \d+: /);
  }, 120_000);
});

async function firstFailure(disguise: (vfs: MemVfs) => Vfs): Promise<string | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await runSeed(seed, { disguise, events: 700 });
    if (failure !== undefined) return failure.message;
  }
  return undefined;
}
