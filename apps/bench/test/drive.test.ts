import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { drive } from '../src/drive.js';

const { signal } = new AbortController();

describe('driving operations', () => {
  it('begins each once and in order, and never more than it may at a time', async () => {
    const begun: number[] = [];
    let underWay = 0;
    let most = 0;
    const operate = async (at: number) => {
      begun.push(at);
      most = Math.max(most, ++underWay);
      await setImmediate();
      underWay--;
    };
    const round = await drive(operate, { inFlight: 8, count: 100, signal });
    expect(begun).toEqual(Array.from({ length: 100 }, (_, at) => at));
    expect(most).toBe(8);
    expect(round.latenciesMs).toHaveLength(100);
    expect(round.latenciesMs.every((latency) => latency > 0)).toBe(true);
  });

  it('begins none after its time, and counts all that it has begun', async () => {
    let begun = 0;
    const operate = async () => {
      begun++;
      await setImmediate();
    };
    const round = await drive(operate, { inFlight: 4, count: 1_000_000, maxMs: 0, signal });
    expect(begun).toBe(4);
    expect(round.latenciesMs).toHaveLength(4);
  });

  it('fails as soon as an operation fails, and begins no more', async () => {
    let begun = 0;
    const operate = async (at: number) => {
      begun++;
      await setImmediate();
      if (at === 10) throw new Error('the tenth');
    };
    await expect(drive(operate, { inFlight: 2, count: 1_000, signal })).rejects.toThrow(
      'the tenth',
    );
    await setImmediate();
    await setImmediate();
    expect(begun).toBeLessThan(16);
  });

  it('does not wait for operations under way when it is interrupted', async () => {
    const interruption = new AbortController();
    const never = () => new Promise<void>(() => {});
    const driven = drive(never, { inFlight: 2, count: 10, signal: interruption.signal });
    interruption.abort(new Error('enough'));
    await expect(driven).rejects.toThrow('enough');
  });
});
