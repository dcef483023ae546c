#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { FailureReport, SeedReport } from './seed-report.js';

const HELP = `Runs whole clusters and their clients from seeds, with faults, and checks all they do.

  --seeds N        how many seeds to run (100)
  --first S        the first of them (1)
  --jobs N         on how many threads (one a core)
  --until-failure  begin no more seeds when one has failed
  --seed S         this one alone
  --trace          print everything of note that happens in it
  --hash           print the hash of the history of each seed
  --events N       events of the phase with faults, for each node (1500)
  --prefix N       end that phase after so many events in all
  --without LIST   leave out the faults of these numbers, as 1,3-7
  --no-shrink      do not look for a shorter run of what fails

  mutants          mistakes made on purpose, which have to be found: see mutants --help
`;

/** Failures of one call for which a shorter run is looked for: it takes a while. */
const MOST_SHRUNK = 3;

const totals = { events: 0, operations: 0, virtualMs: 0, slowestMs: 0, done: 0, hash: '' };
const failures: FailureReport[] = [];

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((argument) => argument !== '--'),
    options: {
      seeds: { type: 'string', default: '100' },
      first: { type: 'string', default: '1' },
      jobs: { type: 'string', default: `${availableParallelism()}` },
      'until-failure': { type: 'boolean', default: false },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      hash: { type: 'boolean', default: false },
      events: { type: 'string' },
      prefix: { type: 'string' },
      without: { type: 'string', default: '' },
      'no-shrink': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(HELP.trimEnd());
  const one = values.seed;
  const first = wholeNumber(one === undefined ? '--first' : '--seed', one ?? values.first);
  const count = one === undefined ? wholeNumber('--seeds', values.seeds) : 1;
  const events = values.events === undefined ? undefined : wholeNumber('--events', values.events);
  const prefix = values.prefix === undefined ? undefined : wholeNumber('--prefix', values.prefix);
  const trace = values.trace ? print : undefined;
  const options = { events, prefix, without: new Set(parseList(values.without)) };
  // Before anything that may load it: the addon is no part of what a seed decides.
  process.env.DLE_NATIVE = '0';
  const { Coverage } = await import('./checks/coverage.js');
  const { runSeed } = await import('./seed-report.js');
  const { runOnAllCores } = await import('./run-on-all-cores.js');
  const coverage = new Coverage();
  const started = performance.now();
  const done = (report: SeedReport): void => {
    coverage.add(report.counts);
    note(report);
    if (values.hash) print(`${report.seed} ${report.hash}`);
  };
  if (one === undefined) {
    const jobs = wholeNumber('--jobs', values.jobs);
    const untilFailure = values['until-failure'];
    await runOnAllCores({ first, count, jobs, untilFailure }, { events }, done);
  } else done(await runSeed(first, { ...options, trace }));
  const seconds = (performance.now() - started) / 1_000;
  if (!values['no-shrink'] && trace === undefined) {
    for (const failure of failures.slice(0, MOST_SHRUNK)) await printShorter(failure, options);
  }
  summarize(first, one === undefined ? undefined : totals.hash, seconds);
  for (const line of coverage.describe()) print(line);
  if (failures.length > 0) process.exitCode = 1;
}

function note(report: SeedReport): void {
  totals.done++;
  if (report.failure !== undefined) {
    failures.push(report.failure);
    process.stderr.write(`${report.failure.message}\n\n`);
  }
  totals.events += report.events;
  totals.operations += report.operations;
  totals.virtualMs += report.virtualMs;
  totals.slowestMs = Math.max(totals.slowestMs, report.servesAfterMs);
  totals.hash = report.hash;
}

async function printShorter(
  failure: FailureReport,
  options: { readonly without: ReadonlySet<number> },
): Promise<void> {
  const { shrink } = await import('./shrink.js');
  const shorter = await shrink(failure, options);
  const { seed } = failure;
  const prefix = shorter.prefix === undefined ? '' : ` --prefix ${shorter.prefix}`;
  const without = shorter.without.length === 0 ? '' : ` --without ${describeList(shorter.without)}`;
  const { events, faults } = shorter.failure;
  const left = faults - shorter.without.length;
  process.stderr.write(
    `${shorter.failure.message}\n` +
      `seed ${seed}: the shortest of ${shorter.runs} runs takes ${events} events and ${left} faults: ` +
      `pnpm sim --seed ${seed}${prefix}${without} --trace\n\n`,
  );
}

function summarize(first: number, hash: string | undefined, seconds: number): void {
  const { done, events, operations, virtualMs, slowestMs } = totals;
  const numbers = failures.map(({ seed }) => seed).join(' ');
  const verdict =
    failures.length === 0 ? 'no promise broken' : `${failures.length} failed (${numbers})`;
  print(`${done} seeds from ${first}: ${verdict}`);
  if (hash !== undefined) print(`history ${hash}`);
  const virtual = Math.round(virtualMs / 1_000);
  print(`${events} events, ${operations} operations of clients, ${virtual} s of virtual time`);
  const slowest = (slowestMs / 1_000).toFixed(1);
  print(`served again at most ${slowest} s after the faults, of virtual time`);
  const perMinute = ((60 * done) / seconds).toFixed(0);
  const perSecond = Math.round(events / seconds);
  print(`${seconds.toFixed(1)} s, ${perMinute} seeds/min, ${perSecond} events/s`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`${name} must be a whole number, not ${text}\n`);
  process.exit(2);
}

function parseList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    if (part === '') return [];
    const [low, high = low] = part.split('-').map((number) => wholeNumber('--without', number));
    return Array.from({ length: high! - low! + 1 }, (_, at) => low! + at);
  });
}

function describeList(numbers: readonly number[]): string {
  return [...numbers].sort((one, other) => one - other).join(',');
}

if (process.argv[2] === 'mutants') {
  process.argv.splice(2, 1);
  await import(new URL('../mutants/run.mjs', import.meta.url).href);
} else {
  await main();
  // Processes that have crashed in there hold this one: nobody has told them to let go.
  process.exit();
}
