import { expect, it } from 'vitest';
import { keyOf } from '../support/compacting.js';
import { Machine } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';
import { openStore } from '../support/stores.js';

const KEYS = 90;
const VALUE = 'v'.repeat(900);
const STEP_MS = 5;
/** What it waits before it looks whether something is to be done, if nothing has been. */
const LOOK_MS = 250;

it('does the next job at once, and not when it would have looked anyway, in a store that is written to', async () => {
  const machine = new Machine();
  const compaction = { bytesPerSecond: 0 } as const;
  const store = await openStore(machine, { durability: 'none', compaction });
  for (let n = 0; n < KEYS; n++) await store.put(keyOf(n), VALUE);
  // Of each segment, a part counts: one job wins back what can be won of a few of them.
  for (let n = 0; n < KEYS; n++) if (n % 3 > 0) await store.put(keyOf(n), VALUE);
  await store.flush();
  const jobs = () => store.stats().compaction.jobs;
  const doneAt: number[] = [];
  for (let passed = 0; doneAt.length < 3; passed += STEP_MS) {
    // Each write that is flushed has it look after a while.
    await store.put('another', 'v');
    await store.flush();
    await turns(20);
    while (doneAt.length < jobs()) doneAt.push(passed);
    machine.clock.pass(STEP_MS);
    expect(passed).toBeLessThan(60_000);
  }
  expect(doneAt[2]! - doneAt[0]!).toBeLessThan(LOOK_MS);
  await store.close();
});
