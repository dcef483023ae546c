/** Who runs on a data directory: a file of process ids, each with the time its process started. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup.mjs';
import { startTimeOf } from './process-time.mjs';

/**
 * @typedef {object} Entry
 * @property {string} name such as `node 1`
 * @property {number} pid
 * @property {string} startTime tells the process from a later one with its pid
 */

const LAUNCHER = 'launcher';

export class Roster {
  #file;

  /** @param {string} dataDir */
  constructor(dataDir) {
    this.#file = join(dataDir, 'cluster.pids');
  }

  /** Takes the directory for this process, unless somebody on the roster still runs. */
  open() {
    const running = this.#running();
    if (running.length > 0) {
      const names = running.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
      throw new SetupError(`Already running here: ${names}. Stop it first, with --stop.`);
    }
    this.close();
    writeFileSync(this.#file, '', { flag: 'wx' });
    this.add(LAUNCHER, process.pid);
  }

  /**
   * @param {string} name
   * @param {number} pid of a process that runs
   */
  add(name, pid) {
    const entry = { name, pid, startTime: startTimeOf(pid) };
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  /** The nodes on the roster that still run. */
  nodes() {
    return this.#running().filter(({ name }) => name !== LAUNCHER);
  }

  /** Gives the directory up. */
  close() {
    rmSync(this.#file, { force: true });
  }

  /** @returns {Entry[]} */
  #running() {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, 'utf8').split('\n');
    return lines
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line))
      .filter(isRunning);
  }
}

/** @param {Entry} entry */
export function isRunning({ pid, startTime }) {
  return startTime !== undefined && startTimeOf(pid) === startTime;
}
