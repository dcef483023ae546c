import { expect, it } from 'vitest';
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
      const member = new Member(seed, tally);
      for (let life = 0; life < LIVES; life++) {
        if (member.below(3) > 0) member.vfs.plan({ crashAtOperation: 1 + member.below(300) });
        await member.liveAndCrash(80);
        if (member.below(3) === 0) await member.harm();
      }
      await member.live(0);
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
