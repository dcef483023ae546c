#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { Coverage } from './coverage.js';
import { SimulationFailure, simulate } from './simulation.js';

const HELP = `Runs clusters of consensus cores from seeds, with faults, and checks every step.

  --seeds N    how many seeds to run (1000)
  --seed S     the first seed (1)
  --steps N    steps of the phase with faults, each seed (1500)
  --trace      print everything that happens (for one seed)
`;

function main(): void {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((argument) => argument !== '--'),
    options: {
      seeds: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      steps: { type: 'string', default: '1500' },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const first = wholeNumber('--seed', values.seed);
  // A seed alone asks for that one.
  const isOne = values.trace || !process.argv.includes('--seeds');
  const count = isOne && process.argv.includes('--seed') ? 1 : wholeNumber('--seeds', values.seeds);
  const trace = values.trace ? (line: string) => process.stdout.write(`${line}\n`) : undefined;
  runSeeds(first, count, wholeNumber('--steps', values.steps), trace);
}

function runSeeds(
  first: number,
  count: number,
  steps: number,
  trace: ((line: string) => void) | undefined,
): void {
  const coverage = new Coverage();
  const totals = { steps: 0, committed: 0 };
  const started = performance.now();
  for (let seed = first; seed < first + count; seed++) {
    const result = simulate(seed, trace === undefined ? { steps } : { steps, trace });
    coverage.add(result.coverage);
    totals.steps += result.steps;
    totals.committed += result.committed;
  }
  const seconds = (performance.now() - started) / 1_000;
  const lines = [
    `${count} seeds from ${first}: no violation`,
    `${totals.steps} steps, ${totals.committed} entries committed`,
    `${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} seeds/s, ${Math.round(totals.steps / seconds)} steps/s`,
    ...[...coverage.counts].map(([branch, times]) => `${String(times).padStart(12)}  ${branch}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`${name} must be a whole number, not ${text}\n`);
  process.exit(2);
}

try {
  main();
} catch (thrown) {
  const isKnown = thrown instanceof SimulationFailure;
  process.stderr.write(`${isKnown ? thrown.message : String((thrown as Error).stack)}\n`);
  process.exitCode = 1;
}
