/** Holds a simulation against mistakes made on purpose: it must find each of them. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readMutants } from './mutant.mjs';
import { Workbench } from './workbench.mjs';

const OPTIONS = `  --only NAME    this one; may be given more than once
  --jobs N       how many at a time (1)
  --seed S       the first seed (1)
  --check        only see whether every patch applies
  --patches DIR  where they are
`;

/**
 * @typedef {import('./mutant.mjs').Mutant} Mutant
 * @typedef {import('./workbench.mjs').Subject} Subject
 * @typedef {object} Task
 * @property {string} about a sentence for people
 * @property {string} patches the folder
 * @property {Subject} subject what they are patches of
 */

/**
 * What the programs of that name do: each mutant is to be caught within its number of seeds.
 *
 * @param {Task} task
 */
export async function runMutants(task) {
  try {
    await run(task);
  } catch (thrown) {
    fail(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** @param {Task} task */
async function run({ about, patches, subject }) {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((argument) => argument !== '--'),
    options: {
      only: { type: 'string', multiple: true, default: [] },
      jobs: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      check: { type: 'boolean', default: false },
      patches: { type: 'string', default: patches },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${about}\n\n${OPTIONS}`);
    return;
  }
  const jobs = wholeNumber('--jobs', values.jobs);
  const first = wholeNumber('--seed', values.seed);
  const all = readMutants(resolve(values.patches));
  for (const name of values.only) {
    if (!all.some((mutant) => mutant.name === name)) throw new Error(`there is no mutant ${name}`);
  }
  const { only } = values;
  const chosen = only.length === 0 ? all : all.filter(({ name }) => only.includes(name));
  if (!(await allApply(subject, chosen)) || values.check) return;
  if (!(await isSound(subject, chosen, first))) return;

  let caught = 0;
  const queue = [...chosen];
  const work = async () => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      if (await isCaught(subject, mutant, first)) caught++;
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  say(`${caught} of ${chosen.length} mutants caught`);
  if (caught < chosen.length) process.exitCode = 1;
}

/**
 * @param {Subject} subject
 * @param {readonly Mutant[]} mutants
 */
async function allApply(subject, mutants) {
  return onWorkbench(subject, async (workbench) => {
    const misfits = [];
    for (const { name, file } of mutants) {
      const problem = await workbench.apply(file, { isTrial: true });
      if (problem !== undefined) misfits.push(`${name} does not apply any more:\n${problem}`);
    }
    for (const misfit of misfits) fail(misfit);
    if (misfits.length === 0) say(`${mutants.length} patches apply`);
    return misfits.length === 0;
  });
}

/**
 * Whether the simulation finds nothing where nothing is wrong, under all seeds that it will be run
 * with.
 *
 * @param {Subject} subject
 * @param {readonly Mutant[]} mutants
 * @param {number} first
 */
async function isSound(subject, mutants, first) {
  return onWorkbench(subject, async (workbench) => {
    const rooms = new Set(mutants.map(({ file }) => workbench.roomOf(file)));
    for (const room of rooms) {
      const problem = await workbench.compile(room);
      if (problem !== undefined) throw new Error(`without a patch it does not compile: ${problem}`);
    }
    const seeds = Math.max(...mutants.map((mutant) => mutant.seeds));
    const found = await workbench.simulate(seeds, first);
    if (found === undefined) say(`without a patch, ${seeds} seeds pass`);
    else fail(`without a patch, seed ${found.seed} fails: ${found.violation}`);
    return found === undefined;
  });
}

/**
 * @param {Subject} subject
 * @param {Mutant} mutant
 * @param {number} first
 */
async function isCaught(subject, { name, file, mistake, seeds }, first) {
  return onWorkbench(subject, async (workbench) => {
    const problem =
      (await workbench.apply(file)) ?? (await workbench.compile(workbench.roomOf(file)));
    if (problem !== undefined) throw new Error(`${name}: ${problem}`);
    const found = await workbench.simulate(seeds, first);
    if (found === undefined) fail(`missed  ${name} in ${seeds} seeds: ${mistake}`);
    else say(`caught  ${name} by seed ${found.seed}, of ${seeds}: ${found.violation}`);
    return found !== undefined;
  });
}

/**
 * @template T
 * @param {Subject} subject
 * @param {(workbench: Workbench) => Promise<T>} task
 */
async function onWorkbench(subject, task) {
  const workbench = await Workbench.create(subject);
  try {
    return await task(workbench);
  } finally {
    await workbench.remove();
  }
}

/**
 * @param {string} name
 * @param {string} text
 */
function wholeNumber(name, text) {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`${name} must be a whole number of at least 1, not ${text}`);
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`);
}

/** @param {string} line */
function fail(line) {
  process.stdout.write(`${line}\n`);
  process.exitCode = 1;
}
