import type { Vfs } from '@dle/storage/internal';
import { disguised, type MemVfs, withFlush } from '@dle/storage/testing';
import { describe, expect, it } from 'vitest';
import { Coverage, type SimEvent } from '../src/checks/coverage.js';
import { runSeeds } from '../src/run-seeds.js';
import { SimulationFailure, simulate } from '../src/simulation.js';

/** Enough that each fault comes several times, and few enough for a minute. */
const SEEDS = 30;

/** What is common enough to be met by so few seeds, whatever they draw. */
function isCommon(event: SimEvent): boolean {
  return event.startsWith('fault: ') || COMMON.includes(event);
}

const COMMON: readonly SimEvent[] = [
  'crashed in an operation',
  'killed in an operation',
  'took no more part',
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
    const failures = await runSeeds(1, SEEDS, {}, (result) => coverage.add(result.coverage));
    expect(failures.map(({ message }) => message)).toEqual([]);
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
    expect(await firstFailure(forgets)).toBeInstanceOf(SimulationFailure);
  }, 120_000);

  it('is found out where a flush never ends', async () => {
    const hangs = (vfs: MemVfs): Vfs =>
      disguised(vfs, {}, (file) => withFlush(file, () => new Promise(() => {})));
    expect(await firstFailure(hangs)).toBeInstanceOf(SimulationFailure);
  }, 120_000);
});

async function firstFailure(disguise: (vfs: MemVfs) => Vfs): Promise<Error | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const [failure] = await runSeeds(seed, 1, { disguise, events: 700 }, () => {});
    if (failure !== undefined) return failure;
  }
  return undefined;
}
