import { type MemberStatus, parseStatus } from '@dle/client/protocol';
import type { CoreStatus } from '@dle/raft';
import { describe, expect, it } from 'vitest';
import type { Member } from '../src/membership/member.js';
import type { Consensus } from '../src/replica/participation.js';
import { nodeStatus } from '../src/status.js';

const member = (id: number): Member => ({ id, instance: `i${id}`, address: `127.0.0.1:900${id}` });

type Lists = Partial<Pick<CoreStatus, 'role' | 'voters' | 'outgoing' | 'learners'>>;

/** What node 1 says, whose consensus has these lists; peers hold up to 90 of 100, and node 3 lags. */
function statusOf(lists: Lists, more: { removed?: boolean; transferTarget?: number } = {}) {
  const core = {
    ...{ id: 1, role: 'leader', term: 2, leader: 1, lastIndex: 100, durableIndex: 99, commit: 90 },
    ...{ voters: [1, 2, 3], outgoing: [], learners: [] },
    peers: [2, 3, 4].map((id) => ({ id, match: 90, isCaughtUp: id !== 3 })),
    ...lists,
  };
  const raft = {
    core: { role: core.role, status: () => core, transferTarget: more.transferTarget ?? 0 },
    stopped: undefined,
  };
  const transport = { peer: (id: number) => (id === 4 ? undefined : { reachable: id !== 3 }) };
  const log = { firstIndex: 11, lastIndex: 100, logBytes: 1_000 };
  const figures = { applied: 90, ...log, keys: 1, segments: 1, bytes: 1 };
  return nodeStatus({
    self: member(1),
    cluster: 'c',
    members: [1, 2, 3, 4].map(member),
    reason: undefined,
    removed: more.removed ?? false,
    consensus: { raft, transport } as unknown as Consensus,
    replica: { figures } as unknown as Parameters<typeof nodeStatus>[0]['replica'],
    isReplacing: false,
    hasFailed: false,
    part: undefined,
    uptimeMs: 5.4,
  });
}

const kinds = (lists: Lists): MemberStatus['kind'][] =>
  statusOf(lists).members.map(({ kind }) => kind);

describe('the status of a node', () => {
  it('says what each member is', () => {
    expect(kinds({ learners: [4] })).toEqual(['voter', 'voter', 'voter', 'learner']);
    const joint = { voters: [1, 2, 4], outgoing: [1, 2, 3] };
    expect(kinds(joint)).toEqual(['voter', 'voter', 'leaving', 'joining']);
    // A voter on its way to be a learner still votes.
    const demoted = { voters: [1, 2], outgoing: [1, 2, 3], learners: [3, 4] };
    expect(kinds(demoted)).toEqual(['voter', 'voter', 'leaving', 'learner']);
  });

  it('says who lags, where it leads', () => {
    const { members } = statusOf({ learners: [4] });
    expect(members).toMatchObject([
      { id: 1, match: 99, lag: 1, caughtUp: true, reachable: true },
      { id: 2, match: 90, lag: 10, caughtUp: true, reachable: true },
      { id: 3, match: 90, lag: 10, caughtUp: false, reachable: false },
      { id: 4, match: 90, lag: 10, caughtUp: true, reachable: false },
    ]);
    for (const one of statusOf({ role: 'follower' }).members) {
      expect(one).not.toHaveProperty('match');
      expect(one).not.toHaveProperty('lag');
    }
  });

  it('names whom leadership is being handed to, and is one that clients understand', () => {
    expect(statusOf({}).transferringTo).toBeUndefined();
    const status = statusOf({ learners: [4] }, { transferTarget: 2 });
    expect(status.transferringTo).toBe(2);
    expect(parseStatus(status)).toEqual(status);
  });

  it('of a removed node says that, and knows of no leader', () => {
    const status = statusOf({ role: 'follower' }, { removed: true });
    expect(status).toMatchObject({ role: 'removed', leader: undefined });
  });
});
