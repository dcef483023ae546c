import { expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { DIRECTORY } from '../support/logs.js';
import { Member, newTally } from './member.js';

const SEEDS = Number(process.env.DLE_SEEDS ?? 40);
const FIRST_SEED = Number(process.env.DLE_SEED ?? 1);
const LIVES = 4;

async function named(seed: number, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (cause) {
    throw new Error(`seed ${seed}: DLE_SEED=${seed} DLE_SEEDS=1 shows it again`, { cause });
  }
}

it(`a replicated store is what its log says, whatever is replaced, given up and crashes (${SEEDS} seeds)`, async () => {
  const tally = newTally();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    await named(seed, async () => {
      // Now and then compaction happens by itself.
      const compaction = { automatic: seed % 3 === 0, bytesPerSecond: 0 };
      const member = new Member(seed, tally, { compaction });
      for (let life = 0; life < LIVES; life++) {
        if (member.below(3) > 0) member.vfs.plan({ crashAtOperation: 1 + member.below(300) });
        await member.liveAndCrash(80);
        if (member.below(3) === 0) await member.harm();
      }
      const store = await member.open();
      await member.check();
      await store.close();
      // Read by somebody who knows nothing of it, it is whole as well.
      const { damage } = await LogStore.repair(DIRECTORY, {}, member);
      expect(damage).toEqual([]);
      await (await member.open()).close();
    });
  }
  if (SEEDS < 20) return;
  for (const [what, times] of Object.entries(tally)) {
    expect([what, times > SEEDS]).toEqual([what, true]);
  }
}, 300_000);

it('is so wherever the machine crashes, in its start too', async () => {
  const seeds = Math.ceil(SEEDS / 40);
  for (let seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
    await named(seed, async () => {
      for (let operation = 1, over = false; !over; operation += 1 + (operation >> 5)) {
        const member = new Member(seed);
        await member.liveAndCrash(60);
        const { operations } = member.vfs;
        member.vfs.plan({ crashAtOperation: operation });
        await member.liveAndCrash(30);
        over = member.vfs.operations - operations < operation;
        await member.live(0);
      }
    });
  }
}, 300_000);
