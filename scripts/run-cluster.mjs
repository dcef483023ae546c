/**
 * The program behind `run_cluster.sh`: a whole cluster on this machine, until Ctrl-C or left
 * running.
 */
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { waitForLeader } from './cluster/leader.mjs';
import { checkPortsAreFree, startNode, stopProcesses } from './cluster/nodes.mjs';
import { parseOptions, USAGE, UsageError } from './cluster/options.mjs';
import { printCluster, printEnd } from './cluster/printing.mjs';
import { Roster } from './cluster/roster.mjs';
import { rememberShape, settleShape } from './cluster/shape.mjs';
import { SetupError, setUp } from './setup.mjs';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** @typedef {import('./cluster/nodes.mjs').RunningNode} RunningNode */

/** @param {readonly string[]} args */
async function main(args) {
  const options = parseOptions(args);
  const roster = new Roster(options.dataDir);
  if (options.help) process.stdout.write(USAGE);
  else if (options.stop) await stop(roster, options.dataDir);
  else await start(roster, options);
}

/**
 * @param {Roster} roster
 * @param {string} dataDir
 */
async function stop(roster, dataDir) {
  const nodes = roster.nodes();
  await stopProcesses(nodes);
  roster.close();
  const names = nodes.map(({ name }) => name).join(', ');
  console.log(nodes.length > 0 ? `Stopped ${names}.` : `Nothing runs on ${dataDir}.`);
}

/**
 * Whatever happens, no node outlives this, unless it is to be left running and a leader serves.
 *
 * @param {Roster} roster
 * @param {import('./cluster/options.mjs').Options} options
 */
async function start(roster, options) {
  setUp();
  mkdirSync(options.dataDir, { recursive: true });
  roster.open();
  const interruption = listenForSignals();
  let leftRunning = false;
  try {
    const cluster = settleShape(options);
    await checkPortsAreFree(cluster);
    rememberShape(cluster);
    const nodes = cluster.members.map((member) => {
      const node = startNode(cluster, member);
      roster.add(`node ${member.id}`, node.pid);
      return node;
    });
    const interrupted = once(interruption, 'abort');
    await Promise.race([printLeader(cluster, options), anyDeath(nodes), interrupted]);
    if (interruption.aborted) return;
    leftRunning = options.detach;
    if (!leftRunning) await Promise.race([attend(cluster, nodes, interruption), interrupted]);
  } finally {
    if (!leftRunning) {
      await stopProcesses(roster.nodes());
      roster.close();
    }
  }
}

/** Aborted when somebody asks this program to end. Further such signals change nothing. */
function listenForSignals() {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => controller.abort());
  }
  return controller.signal;
}

/**
 * @param {import('./cluster/shape.mjs').Cluster} cluster
 * @param {import('./cluster/options.mjs').Options} options
 */
async function printLeader(cluster, options) {
  printCluster(cluster, await waitForLeader(cluster), options);
}

/**
 * Rejects when the first of the nodes ends, with its last words.
 *
 * @param {readonly RunningNode[]} nodes
 * @returns {Promise<never>}
 */
async function anyDeath(nodes) {
  const dead = await Promise.race(nodes.map((node) => node.ended.then(() => node)));
  const { id, logFile } = dead.member;
  throw new SetupError(`Node ${id} ended at its start: ${dead.lastLogLine()}   (${logFile})`);
}

/**
 * Tells of nodes that end by themselves; returns when all have been stopped by somebody else.
 *
 * @param {import('./cluster/shape.mjs').Cluster} cluster
 * @param {readonly RunningNode[]} nodes
 * @param {AbortSignal} interruption
 */
async function attend(cluster, nodes, interruption) {
  const codes = await Promise.all(
    nodes.map(async (node) => {
      const { code, signal } = await node.ended;
      const reason = signal ? `by ${signal}` : `exit ${code}, ${node.lastLogLine()}`;
      if (!interruption.aborted && code !== 0) printEnd(cluster, node, reason);
      return code;
    }),
  );
  if (codes.some((code) => code !== 0)) throw new SetupError('No node runs any more.');
}

// A closed pipe or terminal ends what is printed, not the care for the nodes.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

try {
  await main(process.argv.slice(2));
  // What still waits for nodes that were stopped, or are left running, must not keep this waiting.
  process.exit();
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`run_cluster.sh: ${error.message}\n\n${USAGE}`);
    process.exit(EXIT_USAGE);
  }
  if (!(error instanceof SetupError)) throw error;
  console.error(`run_cluster.sh: ${error.message}`);
  process.exit(EXIT_FAILED);
}
