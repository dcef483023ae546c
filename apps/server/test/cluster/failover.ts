import { performance } from 'node:perf_hooks';
import { isDleError } from '@dle/common';
import { PinnedClient } from '../../src/testing/history/pinned-client.js';
import { FaultyCluster } from './faulty-cluster.js';

/** Milliseconds from SIGKILL of the leader to the next acknowledged write. */
export interface FailoverSample {
  /** As a follower that is asked again and again answers: what the cluster needs. */
  readonly clusterMs: number;
  /** As a client sees it that was writing all the time: with its own detection, rests and tries. */
  readonly clientMs: number;
}

const CLIENT_TIMEOUT_MS = 20_000;
const TRY_TIMEOUT_MS = 1_000;
const TRY_AGAIN_MS = 2;

/** Kills the leader of one cluster, again and again, with default timeouts. */
export async function* failovers(samples: number): AsyncGenerator<FailoverSample> {
  const cluster = await FaultyCluster.start();
  try {
    for (let sample = 0; sample < samples; sample++) yield await failover(cluster, sample);
  } finally {
    await cluster.destroy();
  }
  if (cluster.problems.length > 0) throw new Error(cluster.problems.join('\n'));
}

async function failover(cluster: FaultyCluster, sample: number): Promise<FailoverSample> {
  const leader = await cluster.processes.leader();
  await cluster.processes.converged();
  const client = cluster.processes.client(cluster.endpoints);
  const follower = cluster.ids.find((id) => id !== leader)!;
  const pinned = new PinnedClient({}, cluster.processes.server(follower).address);
  try {
    await client.put('before', `${sample}`);
    const killedAt = performance.now();
    await cluster.endNode(leader, 'SIGKILL');
    const [clusterMs, clientMs] = await Promise.all([
      untilWritten(killedAt, () => pinned.put('at a follower', new Uint8Array(1), TRY_TIMEOUT_MS)),
      untilWritten(killedAt, () => client.put('by a client', '', { timeoutMs: CLIENT_TIMEOUT_MS })),
    ]);
    return { clusterMs, clientMs };
  } finally {
    await Promise.all([client.close(), pinned.close()]);
    cluster.startNode(leader);
  }
}

async function untilWritten(since: number, write: () => Promise<unknown>): Promise<number> {
  for (;;) {
    try {
      await write();
      return performance.now() - since;
    } catch (thrown) {
      if (!isDleError(thrown) || performance.now() - since > CLIENT_TIMEOUT_MS) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
  }
}
