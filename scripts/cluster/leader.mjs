/** Asks the cluster how it is, by the same `dle status` that a person would use. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from '../setup.mjs';
import { REPOSITORY } from '../workspace.mjs';
import { lastLine } from './nodes.mjs';

const DLE = join(REPOSITORY, 'packages/client/bin/dle.js');
/** Enough for a slow machine to replay a large log and elect twice. */
const LEADER_TIMEOUT_MS = 60_000;
const JOIN_TIMEOUT_MS = 5_000;
const POLL_MS = 100;

/**
 * @typedef {{ node: number, role: string, commit: number, lastIndex: number }} NodeStatus
 *
 * @typedef {object} Survey
 * @property {number | undefined} leader the node that leads in the newest term
 * @property {NodeStatus[]} statuses of the nodes that answered
 * @property {string} complaint what else was said
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
  let complaint = '';
  while (performance.now() - begin < LEADER_TIMEOUT_MS) {
    const survey = await ask(cluster);
    complaint = survey.complaint;
    const leader = survey.statuses.find(({ node }) => node === survey.leader);
    if (leader && leader.node !== wanted.node) {
      wanted = { node: leader.node, index: leader.lastIndex };
    }
    if (leader?.role === 'leader' && leader.commit >= wanted.index) {
      servesSince = Math.min(servesSince, performance.now());
      const joined = survey.statuses.filter(({ role }) => role === 'leader' || role === 'follower');
      const isComplete = joined.length === cluster.members.length;
      if (isComplete || performance.now() - servesSince > JOIN_TIMEOUT_MS) return survey.statuses;
    }
    await sleep(POLL_MS);
  }
  const seconds = LEADER_TIMEOUT_MS / 1_000;
  throw new SetupError(`No leader in ${seconds} s: ${complaint}   (logs: ${cluster.dataDir})`);
}

/**
 * @param {import('./shape.mjs').Cluster} cluster
 * @returns {Promise<Survey>}
 */
async function ask({ members }) {
  const endpoints = members.map(({ address }) => address).join(',');
  const args = [DLE, 'status', '--json', '--endpoints', endpoints, '--timeout', '1s'];
  return new Promise((resolve) => {
    // It exits with 1 while there is no leader, and tells of the nodes all the same.
    execFile(process.execPath, args, (_, stdout, stderr) => {
      const complaint = lastLine(stderr);
      if (!stdout.startsWith('{')) resolve({ leader: undefined, statuses: [], complaint });
      else resolve({ ...readSurvey(stdout), complaint });
    });
  });
}

/**
 * @param {string} json
 * @returns {Pick<Survey, 'leader' | 'statuses'>}
 */
function readSurvey(json) {
  const { leader, nodes } = JSON.parse(json);
  const answers = /** @type {{ status?: NodeStatus }[]} */ (nodes);
  return { leader, statuses: answers.flatMap(({ status }) => status ?? []) };
}
