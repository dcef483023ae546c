import { DleError } from '@dle/common';
import { expect, it } from 'vitest';
import { HandOver } from '../../src/repair/hand-over.js';
import type { Participation } from '../../src/replica/participation.js';

/** A leader that nobody is ready to replace. */
function leader() {
  const raft = {
    isLeader: true,
    stopped: undefined,
    core: { commit: 4, lastIndex: 5 },
    resigned: 0,
    isWanted: false,
    transfer: (_: unknown, settle: (error?: DleError) => void) => {
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
