/** Asks the cluster how it is, by the same `dle status` that a person would use. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SetupError } from '../setup.mjs';
import { REPOSITORY } from '../workspace.mjs';

const DLE = join(REPOSITORY, 'packages/client/bin/dle.js');
/** Enough for a slow machine to replay a large log and elect twice. */
const LEADER_TIMEOUT_MS = 60_000;
const JOIN_TIMEOUT_MS = 5_000;
const POLL_MS = 100;

/**
 * @typedef {{ node: number, address: string, role: string, commit: number, lastIndex: number }}
 * NodeStatus
 */

/**
 * The nodes' statuses once one of them leads and has committed what its log held when it was first
 * seen to lead: from then on it answers. The others get a little longer to join it.
 *
 * @param {import('./shape.mjs').Cluster} cluster
 * @returns {Promise<NodeStatus[]>}
 */
export async function waitForLeader(cluster) {
  const begin = performance.now();
  let wanted = { node: 0, index: 0 };
  let servesSince = Number.POSITIVE_INFINITY;
  while (performance.now() - begin < LEADER_TIMEOUT_MS) {
    const statuses = await readStatuses(cluster);
    const leader = statuses.find(({ role }) => role === 'leader');
    if (leader && leader.node !== wanted.node) {
      wanted = { node: leader.node, index: leader.lastIndex };
    }
    if (leader && leader.commit >= wanted.index) {
      servesSince = Math.min(servesSince, performance.now());
      const joined = statuses.filter(({ role }) => role === 'leader' || role === 'follower');
      const isComplete = joined.length === cluster.members.length;
      if (isComplete || performance.now() - servesSince > JOIN_TIMEOUT_MS) return statuses;
    }
    await sleep(POLL_MS);
  }
  throw new SetupError(
    `No leader within ${LEADER_TIMEOUT_MS / 1_000} s; the logs in ${cluster.dataDir} may tell why.`,
  );
}

/**
 * Of the nodes that answer.
 *
 * @param {import('./shape.mjs').Cluster} cluster
 * @returns {Promise<NodeStatus[]>}
 */
async function readStatuses({ members }) {
  const endpoints = members.map(({ address }) => address).join(',');
  const args = [DLE, 'status', '--json', '--endpoints', endpoints, '--timeout', '1s'];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return statusesOf(stdout);
  } catch (error) {
    // It exits with 1 while nodes are missing, and still tells of the others.
    return statusesOf(/** @type {{ stdout?: string }} */ (error).stdout ?? '');
  }
}

/** @param {string} json */
function statusesOf(json) {
  if (json.trim() === '') return [];
  const nodes = /** @type {{ status?: NodeStatus }[]} */ (JSON.parse(json).nodes);
  return nodes.flatMap(({ status }) => (status ? [status] : []));
}
