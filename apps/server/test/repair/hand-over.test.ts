import { DleError } from '@dle/common';
import { expect, it } from 'vitest';
import { HandOver } from '../../src/repair/hand-over.js';
import type { Participation } from '../../src/replica/participation.js';

/** A leader that nobody is ready to replace. */
function leader() {
  const raft = {
    isLeader: true,
    stopped: undefined,
    core: {
      commit: 4,
      lastIndex: 5,
      status: () => ({
        voters: [1, 2, 3],
        peers: [2, 3, 4].map((id) => ({ id, isCaughtUp: raft.ready.includes(id) })),
      }),
    },
    ready: [] as number[],
    asked: [] as unknown[],
    resigned: 0,
    isWanted: false,
    transfer: (target: unknown, settle: (error?: DleError) => void) => {
      raft.asked.push(target);
      settle(raft.isWanted ? undefined : new DleError('DLE_TRANSFER_FAILED', 'nobody'));
    },
    resign: () => {
      raft.resigned++;
      raft.isLeader = false;
    },
  };
  const participation = { consensus: { raft } } as unknown as Participation;
  return { raft, handOver: new HandOver(participation) };
}

it('a leader whose entries nobody gets resigns when nothing was committed between two tries', async () => {
  const { raft, handOver } = leader();
  expect(await handOver.begin()).toBe(false);
  raft.core.commit = 5;
  raft.core.lastIndex = 6;
  expect(await handOver.begin()).toBe(false);
  expect(raft.resigned).toBe(0);
  expect(await handOver.begin()).toBe(false);
  expect(raft.resigned).toBe(1);
  expect(await handOver.begin()).toBe(true);
});

it('a leader goes on that holds nothing that is not committed', async () => {
  const { raft, handOver } = leader();
  raft.core.lastIndex = raft.core.commit;
  for (let tries = 0; tries < 3; tries++) expect(await handOver.begin()).toBe(false);
  expect(raft.resigned).toBe(0);
  raft.isWanted = true;
  expect(await handOver.begin()).toBe(true);
});

it('what stood still before another leader is no reason to resign', async () => {
  const { raft, handOver } = leader();
  expect(await handOver.begin()).toBe(false);
  raft.isLeader = false;
  expect(await handOver.begin()).toBe(true);
  raft.isLeader = true;
  expect(await handOver.begin()).toBe(false);
  expect(raft.resigned).toBe(0);
});

it('one that leads again asks others first, as those that it asked may be damaged too', async () => {
  const { raft, handOver } = leader();
  raft.isWanted = true;
  raft.ready = [2, 3, 4];
  for (let tries = 0; tries < 4; tries++) await handOver.begin();
  expect(raft.asked).toEqual([2, 3, undefined, 2]);
  raft.ready = [3];
  for (let tries = 0; tries < 2; tries++) await handOver.begin();
  expect(raft.asked.slice(4)).toEqual([3, undefined]);
});
