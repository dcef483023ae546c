/** How many nodes a data directory holds and where they listen: fixed when it is first used. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup.mjs';
import { readJson } from '../workspace.mjs';
import { DEFAULT_BASE_PORT, DEFAULT_NODES } from './options.mjs';

export const HOST = '127.0.0.1';

/**
 * @typedef {object} Member
 * @property {number} id
 * @property {number} port
 * @property {string} address
 * @property {string} logFile
 *
 * @typedef {object} Cluster
 * @property {string} dataDir
 * @property {Member[]} members
 */

/**
 * The shape that the data has, or else the one asked for. The nodes know each other by the
 * addresses of their first start, so the two must agree.
 *
 * @param {import('./options.mjs').Options} options
 * @returns {Cluster}
 */
export function settleShape(options) {
  const { dataDir } = options;
  const file = shapeFile(dataDir);
  const known = existsSync(file) ? readJson(file) : undefined;
  const { nodes, basePort } = known ?? {
    nodes: options.nodes ?? DEFAULT_NODES,
    basePort: options.basePort ?? DEFAULT_BASE_PORT,
  };
  if ((options.nodes ?? nodes) !== nodes || (options.basePort ?? basePort) !== basePort) {
    throw new SetupError(
      `${dataDir} has ${nodes} nodes from port ${basePort}: keep to it, or use another --data-dir.`,
    );
  }
  const members = Array.from({ length: nodes }, (_, index) => ({
    id: index + 1,
    port: basePort + index,
    address: `${HOST}:${basePort + index}`,
    logFile: join(dataDir, `node-${index + 1}.log`),
  }));
  return { dataDir, members };
}

/**
 * For the next start.
 *
 * @param {Cluster} cluster
 */
export function rememberShape({ dataDir, members }) {
  const shape = { nodes: members.length, basePort: members[0].port };
  writeFileSync(shapeFile(dataDir), `${JSON.stringify(shape)}\n`);
}

/** @param {string} dataDir */
function shapeFile(dataDir) {
  return join(dataDir, 'cluster.json');
}
