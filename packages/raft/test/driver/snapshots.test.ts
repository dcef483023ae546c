import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestCluster, type TestNode } from './test-cluster.js';

/** Some hundred times as much as is kept. */
const PUTS = 300;
const VALUE = 'x'.repeat(500);

let cluster: TestCluster;

beforeEach(async () => {
  cluster = new TestCluster({ logRetentionBytes: 4_000, maxLogBytes: 8_000 });
  for (const node of cluster.nodes) await cluster.answered(node.start());
});

afterEach(async () => {
  for (const node of cluster.nodes) node.raft.stop();
  await cluster.answered(Promise.all(cluster.nodes.map((node) => node.store.close())));
});

async function fill(): Promise<TestNode> {
  const leader = await cluster.leader();
  for (let i = 0; i < PUTS; i++) await cluster.answered(leader.put(`k${i}`, `${VALUE}${i}`));
  return leader;
}

function expectAll(node: TestNode): void {
  for (let i = 0; i < PUTS; i++) expect(node.get(`k${i}`)).toBe(`${VALUE}${i}`);
}

describe('nodes whose logs are purged', () => {
  it('keep a bounded log, be it on the device or in memory, and start behind what is purged', async () => {
    const leader = await fill();
    await cluster.clock.pass(300);
    for (const node of cluster.nodes) {
      expect(node.raft.core.logBytes).toBeLessThan(8_000);
      expect(node.store.log.firstIndex).toBeGreaterThan(PUTS / 2);
    }
    leader.raft.stop();
    await cluster.answered(leader.store.close());
    await cluster.answered(leader.start());
    const { core } = leader.raft;
    expect(core.baseIndex).toBeGreaterThan(PUTS / 2);
    expect(core.configuration?.configuration.voters).toEqual([1, 2, 3]);
    const next = await cluster.leader();
    await cluster.answered(next.put('after', 'it'));
    await cluster.clock.pass(300);
    for (const node of cluster.nodes) {
      expectAll(node);
      expect(node.get('after')).toBe('it');
    }
  });

  it('bring the state to one that was away, which goes on by the log from there', async () => {
    const [behind] = cluster.followers(await cluster.leader());
    cluster.cut.add(behind!.id);
    const leader = await fill();
    expect(behind!.get('k9')).toBeUndefined();
    cluster.cut.delete(behind!.id);
    await cluster.clock.pass(3_000);
    await cluster.answered((await cluster.leader()).put('after', 'it'));
    await cluster.clock.pass(300);
    expect(behind!.store.floor.index).toBeGreaterThan(PUTS / 2);
    for (const node of [behind!, leader]) {
      expectAll(node);
      expect(node.get('after')).toBe('it');
    }
  });

  it('restore one whose disk is damaged, which votes again when it holds everything', async () => {
    const leader = await fill();
    const [damaged] = cluster.followers(leader);
    await cluster.answered(damaged!.lose());
    expect(damaged!.raft.core).toMatchObject({ lostData: true, commit: 0 });
    await cluster.clock.pass(5_000);
    await cluster.answered((await cluster.leader()).put('after', 'it'));
    await cluster.clock.pass(300);
    expect(damaged!.raft.core.lostData).toBe(false);
    expectAll(damaged!);
    expect(damaged!.get('after')).toBe('it');
  });
});
