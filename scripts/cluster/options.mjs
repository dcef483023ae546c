import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY } from '../workspace.mjs';

const MAX_NODES = 7;
const MAX_PORT = 65_535;
export const DEFAULT_NODES = 3;
export const DEFAULT_BASE_PORT = 9001;
export const DEFAULT_DATA_DIR = join(REPOSITORY, 'data');

export const USAGE = `Usage: scripts/run_cluster.sh [options]

Installs, builds, and starts a dle cluster on this machine, until Ctrl-C.
A second start finds the data again, and the number of nodes and ports with it.

  --nodes N       how many nodes, 1 to ${MAX_NODES} (default ${DEFAULT_NODES})
  --base-port P   port of the first node; the next ones follow (default ${DEFAULT_BASE_PORT})
  --data-dir D    where data and logs go (default: data/ in the repository)
  --detach        leave the nodes running and return
  --stop          stop the nodes that run on the data directory
  --help          print this
`;

/** A command line that makes no sense; the message says why. */
export class UsageError extends Error {}

/**
 * @typedef {object} Options
 * @property {number | undefined} nodes as asked for
 * @property {number | undefined} basePort as asked for
 * @property {string} dataDir absolute
 * @property {boolean} detach
 * @property {boolean} stop
 * @property {boolean} help
 */

/**
 * @param {readonly string[]} args
 * @returns {Options}
 */
export function parseOptions(args) {
  const values = parse(args);
  const nodes = wholeNumber('--nodes', values.nodes, MAX_NODES);
  const basePort = wholeNumber('--base-port', values['base-port'], MAX_PORT - MAX_NODES + 1);
  const { 'data-dir': dataDir, detach = false, stop = false, help = false } = values;
  if (dataDir === '') throw new UsageError('--data-dir needs a directory');
  if (stop && (detach || nodes !== undefined || basePort !== undefined)) {
    throw new UsageError('--stop goes with --data-dir only');
  }
  const directory = dataDir === undefined ? DEFAULT_DATA_DIR : resolve(dataDir);
  return { nodes, basePort, dataDir: directory, detach, stop, help };
}

/** @param {readonly string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        nodes: { type: 'string' },
        'base-port': { type: 'string' },
        'data-dir': { type: 'string' },
        detach: { type: 'boolean' },
        stop: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    const [firstSentence] = /** @type {Error} */ (error).message.split('. ');
    throw new UsageError(firstSentence);
  }
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} most
 */
function wholeNumber(name, text, most) {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > most) {
    throw new UsageError(`${name} takes a whole number from 1 to ${most}, not '${text}'`);
  }
  return number;
}
