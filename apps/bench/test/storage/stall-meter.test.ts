import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { StallMeter } from '../../src/storage/stall-meter.js';

const STALL_MS = 60;

function stall(): void {
  const end = performance.now() + STALL_MS;
  while (performance.now() < end);
}

describe('the stall meter', () => {
  it('sees the event loop stand still, turn by turn', async () => {
    const meter = new StallMeter();
    meter.start();
    await setImmediate();
    meter.turn();
    stall();
    expect(meter.turn()).toBeGreaterThanOrEqual(STALL_MS);
    expect(meter.stop().longestMs).toBeGreaterThanOrEqual(STALL_MS);
  });

  it('sees it by itself where nobody counts the turns', async () => {
    const meter = new StallMeter();
    meter.start();
    await setTimeout(10);
    stall();
    await setTimeout(10);
    // The timer may have been due in the middle of the stall's first millisecond.
    expect(meter.stop().longestMs).toBeGreaterThan(STALL_MS - 5);
  });
});
