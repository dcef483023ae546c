import { relative } from 'node:path';
import { serverArguments } from './nodes.mjs';
import { DEFAULT_BASE_PORT, DEFAULT_DATA_DIR, DEFAULT_NODES } from './options.mjs';

/**
 * @param {import('./shape.mjs').Cluster} cluster
 * @param {import('./leader.mjs').NodeStatus[]} statuses
 * @param {{ detach: boolean }} options
 */
export function printCluster(cluster, statuses, { detach }) {
  const { members } = cluster;
  const directory = relative('', cluster.dataDir) || '.';
  console.log(`\nA cluster of ${count(members.length, 'node')}, with its data in ${directory}`);
  for (const { id, address } of members) {
    const role = statuses.find(({ node }) => node === id)?.role ?? 'not answering yet';
    console.log(`  node ${id}  ${address}  ${role}`);
  }
  console.log('\nTalk to it:');
  if (!isFoundByDefault(cluster)) {
    console.log(`  export DLE_ENDPOINTS=${members.map(({ address }) => address).join(',')}`);
  }
  console.log('  npx dle put greeting hello');
  console.log('  npx dle get greeting');
  console.log('  npx dle status');
  console.log(`\nLogs: ${members.map(({ logFile }) => relative('', logFile)).join(', ')}`);
  const dataDir = cluster.dataDir === DEFAULT_DATA_DIR ? '' : ` --data-dir ${directory}`;
  console.log(detach ? `Stop it: scripts/run_cluster.sh --stop${dataDir}` : 'Ctrl-C stops it.');
}

/**
 * Whether `dle` asks these addresses unless it is told others.
 *
 * @param {import('./shape.mjs').Cluster} cluster
 */
function isFoundByDefault({ members }) {
  return members.length === DEFAULT_NODES && members[0].port === DEFAULT_BASE_PORT;
}

/**
 * One node of several has ended by itself.
 *
 * @param {import('./shape.mjs').Cluster} cluster
 * @param {import('./nodes.mjs').RunningNode} node
 * @param {string} reason
 */
export function printEnd(cluster, node, reason) {
  const command = ['npx dle-server', ...serverArguments(cluster, node.member)].join(' ');
  console.log(`node ${node.member.id} ended: ${reason}; start it again with\n  ${command}`);
}

/**
 * @param {number} number
 * @param {string} noun
 */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
