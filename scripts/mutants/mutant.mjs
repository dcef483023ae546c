/** A mistake, as a patch whose first line says what it is about. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Mutant
 * @property {string} name of its file, without `.patch`
 * @property {string} file
 * @property {string} mistake a sentence for people
 * @property {number} seeds the simulation is to find it within so many, from 1 on
 */

const HEADING = /^# Trap \d+: (?<mistake>.+\.) Caught within (?<seeds>\d+) seeds\.$/;

/**
 * All patches of `folder`, in order of their names.
 *
 * @param {string} folder
 * @returns {Mutant[]}
 */
export function readMutants(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => readMutant(join(folder, file), file.slice(0, -'.patch'.length)));
}

/**
 * @param {string} file
 * @param {string} name
 * @returns {Mutant}
 */
function readMutant(file, name) {
  const [first = ''] = readFileSync(file, 'utf8').split('\n', 1);
  const { mistake, seeds } = HEADING.exec(first)?.groups ?? {};
  if (mistake === undefined) {
    throw new Error(
      `${name}: it must begin with "# Trap N: What is wrong. Caught within N seeds."`,
    );
  }
  return { name, file, mistake, seeds: Number(seeds) };
}
