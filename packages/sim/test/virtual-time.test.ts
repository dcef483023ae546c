import { describe, expect, it } from 'vitest';
import { Life } from '../src/time/life.js';
import { VirtualTime, WORLD } from '../src/time/virtual-time.js';

function lifeIn(time: VirtualTime, rate: number = 1): Life {
  return new Life(time, { number: 1, rate, startMs: 100, isDown: () => false });
}

describe('virtual time', () => {
  it('lets things happen in their order, and those of one time in the order of asking', async () => {
    const time = new VirtualTime(() => {});
    const happened: string[] = [];
    for (const [afterMs, name] of [
      [5, 'c'],
      [1, 'a'],
      [5, 'd'],
      [2, 'b'],
    ] as const) {
      time.schedule(afterMs, WORLD, () => happened.push(`${name}${time.now}`));
    }
    for (let event = 0; event < 4; event++) await time.proceed();
    expect(happened).toEqual(['a1', 'b2', 'c5', 'd5']);
    await expect(time.proceed()).rejects.toThrow('nothing will ever happen again');
  });

  it('does all that follows from an event before the next one', async () => {
    const told: string[] = [];
    const time = new VirtualTime(() => told.push('told'));
    time.schedule(1, WORLD, () => {
      void (async () => {
        for (let step = 0; step < 50; step++) await undefined;
        told.push('followed');
      })();
    });
    await time.proceed();
    expect(told).toEqual(['followed', 'told']);
  });

  it('runs the clock of a life at its own rate', async () => {
    const time = new VirtualTime(() => {});
    const { clock } = lifeIn(time, 2);
    let rang = 0;
    clock.setTimer(() => {
      rang = clock.now();
    }, 50);
    await time.proceed();
    expect(time.now).toBe(25);
    expect(rang).toBe(150);
  });

  it('has nothing happen to a life that is over, or whose timer was cancelled', async () => {
    const time = new VirtualTime(() => {});
    const [ended, alive] = [lifeIn(time), lifeIn(time)];
    const happened: string[] = [];
    ended.clock.defer(() => happened.push('ended'));
    alive.clock.setTimer(() => happened.push('cancelled'), 1)();
    alive.clock.setTimer(() => happened.push('alive'), 2);
    ended.end();
    await time.proceed();
    expect(happened).toEqual(['alive']);
  });

  it('has all that was due in a pause happen at its end', async () => {
    const time = new VirtualTime(() => {});
    const life = lifeIn(time);
    const happened: number[] = [];
    for (const afterMs of [10, 20, 60]) {
      life.clock.setTimer(() => happened.push(time.now), afterMs);
    }
    life.pausedUntil = 50;
    for (let event = 0; event < 3; event++) await time.proceed();
    expect(happened).toEqual([50, 50, 60]);
  });

  it('says so where time stands still', async () => {
    const time = new VirtualTime(() => {});
    const again = (): void => void time.schedule(0, WORLD, again);
    again();
    const forever = async (): Promise<never> => {
      for (;;) await time.proceed();
    };
    await expect(forever()).rejects.toThrow('time stands still');
  });
});
