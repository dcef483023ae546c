import { SeededRandom } from '@dle/common';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from '../src/backoff.js';

test('the wait is between nothing and a bound that doubles with each failure, up to the cap', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1, max: 100_000 }),
      fc.nat(2_000),
      (seed, minMs, maxMs, failures) => {
        const delayMs = backoffMs(new SeededRandom(seed), { minMs, maxMs }, failures);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(maxMs);
        expect(delayMs).toBeLessThanOrEqual(minMs * 2 ** failures);
      },
    ),
  );
});

test('both ends of the range are drawn: the jitter is full', () => {
  const random = new SeededRandom(7);
  const drawn = new Set<number>();
  for (let round = 0; round < 1_000; round++)
    drawn.add(backoffMs(random, { minMs: 2, maxMs: 9 }, 2));
  expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});
