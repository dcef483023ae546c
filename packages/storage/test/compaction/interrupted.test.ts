import { describe, expect, it } from 'vitest';
import { Desk, keyOf } from '../support/compacting.js';
import { textOf } from '../support/stores.js';

/** More than are looked at before a job can be stopped. */
const KEYS = 5_000;
const DELETED = 100;

describe('a compaction that was ended early', () => {
  const desk = new Desk();

  it('has left records twice: after a start, those in use are found again, and deletes stay deletes', async () => {
    const store = await desk.open();
    await desk.put(0, KEYS, (n) => `value ${n}`);
    await store.compact();
    await desk.delete(0, DELETED);
    expect(await desk.compactInPart()).toMatchObject({ name: 'AbortError' });
    expect(store.stats().sortedRuns).toBe(2);
    const again = await desk.open();
    await again.compact();
    expect(again.stats()).toMatchObject({ sortedRuns: 1, keys: KEYS - DELETED });
    const last = await desk.open();
    expect(last.stats().keys).toBe(KEYS - DELETED);
    for (let n = 0; n < KEYS; n++) {
      expect(textOf(last.getSync(keyOf(n)))).toBe(n < DELETED ? undefined : `value ${n}`);
    }
    expect((await last.verify()).damage).toEqual([]);
  });
});
