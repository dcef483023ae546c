import { DleError } from '@dle/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_RAFT_CONFIG, validateRaftConfig } from '../../src/index.js';
import { IDS, TestCluster, type TestNode } from './test-cluster.js';

let cluster: TestCluster;

beforeEach(async () => {
  cluster = new TestCluster();
  for (const node of cluster.nodes) await cluster.answered(node.start());
});

afterEach(async () => {
  for (const node of cluster.nodes) node.raft.stop();
  await cluster.answered(Promise.all(cluster.nodes.map((node) => node.store.close())));
});

describe('three nodes with real logs', () => {
  it('replicate the bytes of the leader as they came, to all of them', async () => {
    const leader = await cluster.leader();
    const puts = Array.from({ length: 100 }, (_, i) => leader.put(`k${i}`, `v${i}`));
    const indexes = await cluster.answered(Promise.all(puts));
    expect(indexes).toEqual(Array.from({ length: 100 }, (_, i) => (indexes as number[])[0]! + i));
    await cluster.clock.pass(300);
    const { lastIndex } = leader.store.log;
    const bytesOf = async (node: TestNode) => {
      const batch = await node.store.log.read(1, lastIndex);
      return Buffer.from(batch.bytes);
    };
    const bytes = await cluster.answered(bytesOf(leader));
    for (const node of cluster.nodes) {
      expect(node.get('k99')).toBe('v99');
      expect(await cluster.answered(bytesOf(node))).toEqual(bytes);
    }
  });

  it('have entries leave for the others before the leader writes its own', async () => {
    const leader = await cluster.leader();
    const { log } = leader.store;
    const unwritten: number[] = [];
    leader.onSent = () => unwritten.push(log.accepted - log.submitted);
    await cluster.answered(leader.put('k', 'v'));
    expect(unwritten).toEqual([1]);
  });

  it('catch up a follower from the files, once its entries have left the memory', async () => {
    const leader = await cluster.leader();
    const [behind] = cluster.followers(leader);
    cluster.cut.add(behind!.id);
    for (let i = 0; i < 40; i++) {
      await cluster.answered(leader.put(`k${i}`, 'x'.repeat(1_000)));
    }
    cluster.cut.delete(behind!.id);
    await cluster.clock.pass(3_000);
    const now = await cluster.leader();
    expect(behind!.store.log.lastIndex).toBe(now.store.log.lastIndex);
    expect(behind!.get('k39')).toBe('x'.repeat(1_000));
  });

  it('answer DLE_OUTCOME_UNKNOWN when the leader loses its majority, and refuse what comes after', async () => {
    const leader = await cluster.leader();
    for (const node of cluster.followers(leader)) cluster.cut.add(node.id);
    const unsure = leader.put('k', 'v');
    const read = leader.readIndex().catch((error: DleError) => error);
    expect(await cluster.answered(unsure)).toMatchObject({
      code: 'DLE_OUTCOME_UNKNOWN',
      effect: 'unknown',
    });
    expect(await read).toMatchObject({ effect: 'none', retryable: true });
    expect(leader.raft.isLeader).toBe(false);
    expect(await cluster.answered(leader.put('k', 'v'))).toMatchObject({ effect: 'none' });
  });

  it('come back from their logs with term, vote, configuration and entries', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.put('kept', 'yes'));
    const { term } = leader.raft.core;
    for (const node of cluster.nodes) {
      node.raft.stop();
      node.vfs.restart();
    }
    for (const node of cluster.nodes) await cluster.answered(node.start());
    const next = await cluster.leader();
    expect(next.raft.core.term).toBeGreaterThan(term);
    expect(next.raft.core.configuration?.configuration.voters).toEqual(IDS);
    await cluster.answered(next.readIndex());
    expect(next.get('kept')).toBe('yes');
  });

  it('go on without a leader whose disk has failed, and it answers everybody who waits', async () => {
    const leader = await cluster.leader();
    let failure: DleError | undefined;
    leader.raft.onFailure((error) => {
      failure = error;
    });
    await cluster.answered(leader.put('before', 'the failure'));
    leader.vfs.plan({ failFlush: 1 });
    const unsure = leader.put('during', 'the failure');
    expect(await cluster.answered(unsure)).toMatchObject({ effect: 'unknown' });
    expect(failure?.code).toBe('DLE_STORAGE_POISONED');
    expect(await cluster.answered(leader.put('k', 'v'))).toMatchObject({ effect: 'none' });
    expect(leader.get('before')).toBe('the failure');
    const next = await cluster.leader();
    expect(next).not.toBe(leader);
    expect(await cluster.answered(next.put('after', 'it'))).toEqual(expect.any(Number));
  });

  it('refuse writes while the disk of the leader is full, go on reading, and take them again after', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.put('before', 'it was full'));
    leader.vfs.capacityBytes = 0;
    const large = 'x'.repeat(60_000);
    const refused: unknown[] = [];
    for (let i = 0; i < 4; i++) refused.push(await cluster.answered(leader.put(`k${i}`, large)));
    expect(refused.at(-1)).toMatchObject({ code: 'DLE_DISK_FULL', effect: 'none' });
    expect(leader.raft.stopped).toBeUndefined();
    await cluster.answered(leader.readIndex());
    expect(leader.get('before')).toBe('it was full');
    leader.vfs.capacityBytes = Number.POSITIVE_INFINITY;
    expect(await cluster.answered(leader.put('after', 'there is room'))).toEqual(
      expect.any(Number),
    );
  });

  it('go on under another leader where the disk of one stays full', async () => {
    const leader = await cluster.leader();
    leader.vfs.capacityBytes = 0;
    const large = 'x'.repeat(60_000);
    for (let tries = 0; leader.raft.isLeader && tries < 20; tries++) {
      await cluster.answered(leader.put(`k${tries}`, large));
      await cluster.clock.pass(250);
    }
    expect(leader.raft.refusal).toMatchObject({ code: 'DLE_DISK_FULL' });
    const next = await cluster.leader();
    expect(next.id).not.toBe(leader.id);
    for (let i = 0; i < 4; i++) {
      expect(await cluster.answered(next.put(`k${i}`, large))).toEqual(expect.any(Number));
    }
    // It still follows, and catches up when there is room.
    expect(leader.raft.stopped).toBeUndefined();
    leader.vfs.capacityBytes = Number.POSITIVE_INFINITY;
    await cluster.clock.pass(2_000);
    expect(leader.get('k3')).toBe(large);
    expect(leader.raft.refusal).toBeUndefined();
  });

  it.each(['leader', 'follower'])(
    'go on without a %s that makes no file any more',
    async (role) => {
      const leader = await cluster.leader();
      const broken = role === 'leader' ? leader : cluster.followers(leader)[0]!;
      let failure: DleError | undefined;
      broken.raft.onFailure((error) => {
        failure = error;
      });
      broken.vfs.createSync = () => {
        throw new DleError('DLE_IO', 'create: EROFS');
      };
      const large = 'x'.repeat(60_000);
      const errors: unknown[] = [];
      for (let tries = 0; failure === undefined && tries < 20; tries++) {
        const answer = await cluster.answered(leader.put(`k${tries}`, large));
        if (answer instanceof DleError) errors.push(answer);
        await cluster.clock.pass(250);
      }
      expect(failure).toMatchObject({ code: 'DLE_IO', message: 'create: EROFS' });
      if (role === 'follower') expect(errors).toEqual([]);
      else expect(errors).toContainEqual(expect.objectContaining({ code: 'DLE_UNAVAILABLE' }));
      const next = await cluster.leader();
      expect(await cluster.answered(next.put('after', large))).toEqual(expect.any(Number));
    },
  );

  it('come through a follower whose disk is full for a while', async () => {
    const leader = await cluster.leader();
    const [full] = cluster.followers(leader);
    full!.vfs.capacityBytes = 0;
    for (let i = 0; i < 4; i++) {
      const put = cluster.answered(leader.put(`k${i}`, 'x'.repeat(60_000)));
      expect(await put).toEqual(expect.any(Number));
    }
    expect(full!.raft.stopped).toBeUndefined();
    expect(full!.get('k3')).toBeUndefined();
    full!.vfs.capacityBytes = Number.POSITIVE_INFINITY;
    await cluster.clock.pass(2_000);
    expect(full!.get('k3')).toBe('x'.repeat(60_000));
  });

  it('change their members, and say what they are when the change is over', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    const [demoted, other] = cluster.followers(leader);
    const answer = cluster.answered(leader.changeMembers({ demote: [demoted!.id] }));
    const refused = leader.changeMembers({ remove: [other!.id] }).catch((error: DleError) => error);
    expect(await refused).toMatchObject({
      code: 'DLE_CHANGE_REFUSED',
      retryable: true,
      details: { reason: 'changeUnderWay' },
    });
    const index = await answer;
    const learners = [demoted!.id];
    const voters = IDS.filter((id) => id !== demoted!.id);
    const configuration = { index, configuration: { voters, learners } };
    expect(leader.raft.core.configuration).toEqual(configuration);
    await cluster.clock.pass(300);
    expect(demoted!.raft.core.configuration).toEqual(configuration);
    expect(await cluster.answered(leader.changeMembers({ add: IDS }))).toMatchObject({
      code: 'DLE_CHANGE_REFUSED',
      retryable: false,
      details: { reason: 'invalid' },
    });
    expect(await cluster.answered(demoted!.changeMembers({}))).toMatchObject({
      code: 'DLE_NOT_LEADER',
    });
  });

  it('go on without a leader that removes itself, and it hears that it has', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    const answer = await cluster.answered(leader.changeMembers({ remove: [leader.id] }));
    expect(answer).toEqual(expect.any(Number));
    expect(leader.raft.isLeader).toBe(false);
    const next = await cluster.leader();
    expect(next.raft.core.configuration?.configuration.voters).toEqual(
      IDS.filter((id) => id !== leader.id),
    );
    expect(await cluster.answered(next.put('after', 'it'))).toEqual(expect.any(Number));
  });

  it('hand leadership over without losing a write', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    const [target] = cluster.followers(leader);
    const before = cluster.answered(leader.put('before', 'it'));
    const handedOver = leader.transfer(target!.id);
    expect(await cluster.answered(leader.transfer())).toMatchObject({
      code: 'DLE_TRANSFER_FAILED',
      details: { reason: 'transferUnderWay' },
    });
    expect(await cluster.answered(leader.put('during', 'it'))).toMatchObject({ effect: 'none' });
    expect(await cluster.answered(handedOver)).toBe(target!.id);
    expect(target!.raft.isLeader).toBe(true);
    expect(await before).toEqual(expect.any(Number));
    await cluster.answered(target!.readIndex());
    expect(target!.get('before')).toBe('it');
    expect(await cluster.answered(target!.transfer(target!.id))).toMatchObject({
      details: { reason: 'invalid' },
      retryable: false,
    });
    expect(await cluster.answered(target!.transfer())).toEqual(expect.any(Number));
  });

  it('serve reads at every node, each when its own state is there', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.put('k', 'old'));
    for (const node of cluster.nodes) {
      const index = await cluster.answered(leader.put('k', `for ${node.id}`));
      expect(await cluster.answered(node.readIndex('follower'))).toBeGreaterThanOrEqual(
        index as number,
      );
      expect(node.get('k')).toBe(`for ${node.id}`);
    }
    const [follower] = cluster.followers(leader);
    for (const level of ['linearizable', 'lease'] as const) {
      const refusal = await follower!.readIndex(level).catch((error: DleError) => error);
      expect(refusal).toMatchObject({ code: 'DLE_NOT_LEADER' });
    }
  });

  it('serve reads by lease without asking anybody, while it holds', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.put('k', 'v'));
    await cluster.clock.pass(200);
    for (const node of cluster.followers(leader)) cluster.cut.add(node.id);
    const index = leader.raft.core.commit;
    expect(await cluster.answered(leader.readIndex('lease'))).toBe(index);
    await cluster.clock.pass(900);
    expect(await cluster.answered(leader.readIndex('lease'))).toMatchObject({ effect: 'none' });
  });

  it('do not keep a reader at a follower waiting that its leader does not hear', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    const [follower] = cluster.followers(leader);
    const { deliver } = cluster;
    cluster.deliver = (message, entries) => {
      if (message.from !== follower!.id) deliver.call(cluster, message, entries);
    };
    expect(await cluster.answered(follower!.readIndex('follower'))).toMatchObject({
      code: 'DLE_UNAVAILABLE',
      retryable: true,
    });
  });

  it('answer everybody in the end, while the disks of the followers hang', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    for (const node of cluster.followers(leader)) node.hangs = true;
    const unsure = [
      leader.put('k', 'v'),
      leader.changeMembers({ demote: [cluster.followers(leader)[0]!.id] }),
    ];
    const answers = await cluster.answered(Promise.allSettled(unsure));
    const reason = expect.objectContaining({ code: 'DLE_OUTCOME_UNKNOWN' });
    expect(answers).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ]);
    // They still tell the leader that they are there.
    expect(leader.raft.isLeader).toBe(true);
    expect(await cluster.answered(leader.readIndex())).toEqual(expect.any(Number));
  });

  it('go on without a leader whose disk hangs, and it answers everybody who waits', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    leader.hangs = true;
    const unsure = leader.put('k', 'v');
    expect(await cluster.answered(unsure)).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN' });
    expect(leader.raft.isLeader).toBe(false);
    cluster.cut.add(leader.id);
    const next = await cluster.leader();
    expect(await cluster.answered(next.put('after', 'it'))).toEqual(expect.any(Number));
    expect(await cluster.answered(next.readIndex())).toEqual(expect.any(Number));
    expect(next.get('k')).toBe('v');
  });

  it('end a reader’s wait for a state that does not come', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    const [follower] = cluster.followers(leader);
    follower!.hangs = true;
    await cluster.answered(leader.put('k', 'v'));
    expect(await cluster.answered(follower!.readIndex('follower'))).toMatchObject({
      code: 'DLE_UNAVAILABLE',
      retryable: true,
    });
  });

  it('refuse a configuration that does not go together, and say all that is wrong with it', async () => {
    const wrong = { id: 0, electionTimeoutMs: 100, maxProposalBytes: 0, requestTimeoutMs: 199 };
    const config = { ...DEFAULT_RAFT_CONFIG, ...wrong };
    expect(() => validateRaftConfig({ ...DEFAULT_RAFT_CONFIG, id: 1 })).not.toThrow();
    for (const name of Object.keys(wrong)) {
      expect(() => validateRaftConfig(config)).toThrow(name);
    }
  });

  it('may be asked for more by whoever is being answered', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    const answers: (DleError | undefined)[] = [];
    leader.raft.transfer(leader.id, (first) => {
      answers.push(first);
      leader.raft.changeMembers({}, (second) => {
        answers.push(second);
        leader.raft.transfer(undefined, (third) => answers.push(third));
      });
    });
    await cluster.clock.pass(100);
    expect(answers.map((error) => error?.code)).toEqual([
      'DLE_TRANSFER_FAILED',
      'DLE_CHANGE_REFUSED',
      undefined,
    ]);
    expect(leader.raft.stopped).toBeUndefined();
  });

  it('go on under a leader whose transfer nobody takes up', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    const [target] = cluster.followers(leader);
    cluster.cut.add(target!.id);
    expect(await cluster.answered(leader.transfer(target!.id))).toMatchObject({
      code: 'DLE_TRANSFER_FAILED',
      retryable: true,
      details: { reason: 'timeout' },
    });
    expect(await cluster.answered(leader.put('after', 'it'))).toEqual(expect.any(Number));
  });

  it('go on without a leader that resigns, which does not know what becomes of its entries', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    const followers = cluster.followers(leader);
    for (const node of followers) cluster.cut.add(node.id);
    const answer = leader.put('held', 'by one');
    await cluster.clock.pass(1);
    for (const node of followers) cluster.cut.delete(node.id);
    leader.raft.resign();
    expect(leader.raft.isLeader).toBe(false);
    expect(await cluster.answered(answer)).toMatchObject({
      code: 'DLE_OUTCOME_UNKNOWN',
      effect: 'unknown',
    });
    const next = await cluster.leader();
    expect(next.id).not.toBe(leader.id);
    await cluster.answered(next.put('after', 'it'));
    await cluster.answered(next.readIndex());
    expect([next.get('held'), next.get('after')]).toEqual([undefined, 'it']);
  });

  it('do not know what became of a change whose leader lost its majority', async () => {
    const leader = await cluster.leader();
    await cluster.answered(leader.readIndex());
    const followers = cluster.followers(leader);
    for (const node of followers) cluster.cut.add(node.id);
    const answer = cluster.answered(leader.changeMembers({ demote: [followers[0]!.id] }));
    expect(await answer).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN', effect: 'unknown' });
  });

  it('drop damaged entries like lost ones, and ask again', async () => {
    const leader = await cluster.leader();
    const { deliver } = cluster;
    let damaged = 0;
    cluster.deliver = (message, entries) => {
      if (entries !== undefined && damaged++ < 5) {
        const copy = entries.slice();
        copy[70]! ^= 1;
        deliver.call(cluster, message, copy);
      } else deliver.call(cluster, message, entries);
    };
    expect(await cluster.answered(leader.put('k', 'a value of some length'))).toEqual(
      expect.any(Number),
    );
    await cluster.clock.pass(1_000);
    for (const node of cluster.nodes) expect(node.get('k')).toBe('a value of some length');
  });
});
