/** The processes of the nodes: started with their log in a file, stopped gently and then not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from '../setup.mjs';
import { REPOSITORY } from '../workspace.mjs';
import { isRunning } from './roster.mjs';
import { HOST } from './shape.mjs';

const SERVER = join(REPOSITORY, 'apps/server/bin/dle-server.js');
/** A node that has not flushed and closed by then has a disk that hangs. */
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 50;

/**
 * @typedef {object} RunningNode
 * @property {import('./shape.mjs').Member} member
 * @property {number} pid
 * @property {Promise<{ code: number | null, signal: string | null }>} ended
 * @property {() => string} lastLogLine of this run
 */

/**
 * The arguments of dle-server for one member.
 *
 * @param {import('./shape.mjs').Cluster} cluster
 * @param {import('./shape.mjs').Member} member
 */
export function serverArguments({ dataDir, members }, { id, port }) {
  const peers = members.filter((other) => other.id !== id).map(({ address }) => address);
  return [
    ...['--id', String(id), '--host', HOST, '--port', String(port)],
    ...(peers.length > 0 ? ['--peers', peers.join(',')] : []),
    ...['--data-dir', dataDir],
  ];
}

/**
 * In a session of its own, so that Ctrl-C in the terminal reaches the launcher only.
 *
 * @param {import('./shape.mjs').Cluster} cluster
 * @param {import('./shape.mjs').Member} member
 * @returns {RunningNode}
 */
export function startNode(cluster, member) {
  const log = openSync(member.logFile, 'a');
  const from = statSync(member.logFile).size;
  const child = spawn(process.execPath, [SERVER, ...serverArguments(cluster, member)], {
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  if (child.pid === undefined) throw new SetupError(`Node ${member.id} could not be started.`);
  return {
    member,
    pid: child.pid,
    ended: once(child, 'exit').then(([code, signal]) => ({ code, signal })),
    lastLogLine: () => lastLine(readFileSync(member.logFile).subarray(from).toString()),
  };
}

/**
 * What a log ends with, less what Node says of itself when it crashes.
 *
 * @param {string} log
 */
export function lastLine(log) {
  const lines = log.split('\n').filter((line) => line.trim() !== '' && !/^Node\.js v/.test(line));
  return lines.at(-1)?.trim() ?? '(nothing)';
}

/** @param {import('./shape.mjs').Cluster} cluster */
export async function checkPortsAreFree({ members }) {
  for (const { port, address } of members) {
    const server = createServer().listen(port, HOST);
    try {
      await once(server, 'listening');
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      throw new SetupError(
        code === 'EADDRINUSE'
          ? `Something else listens on ${address}: stop it, or choose another --base-port.`
          : `Cannot listen on ${address} (${code}): choose another --base-port.`,
      );
    }
    server.close();
    await once(server, 'close');
  }
}

/**
 * Returns when none of them runs any more.
 *
 * @param {readonly import('./roster.mjs').Entry[]} entries
 */
export async function stopProcesses(entries) {
  for (const entry of entries) signal(entry, 'SIGTERM');
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (entries.some(isRunning) && performance.now() < deadline) await sleep(POLL_MS);
  for (const entry of entries.filter(isRunning)) {
    console.error(`${entry.name} did not stop in ${STOP_TIMEOUT_MS / 1_000} s; it is killed.`);
    signal(entry, 'SIGKILL');
  }
  while (entries.some(isRunning)) await sleep(POLL_MS);
}

/**
 * @param {import('./roster.mjs').Entry} entry
 * @param {NodeJS.Signals} name
 */
function signal(entry, name) {
  if (!isRunning(entry)) return;
  try {
    process.kill(entry.pid, name);
  } catch (error) {
    // It ended in between, which is what is wanted.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}
