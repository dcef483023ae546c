#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { Coverage } from './coverage.js';
import { CrashFailure } from './crash-failure.js';
import { runSeeds } from './run-seeds.js';

const HELP = `Fills, crashes and opens stores on a disk in memory, and checks them by a model.

  --seeds N    how many seeds to run (1000)
  --first S    the first of them (1)
  --seed S     this one alone
  --trace      print everything that happens
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((argument) => argument !== '--'),
    options: {
      seeds: { type: 'string', default: '1000' },
      first: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const one = values.seed;
  const first = wholeNumber(one === undefined ? '--first' : '--seed', one ?? values.first);
  const count = one === undefined ? wholeNumber('--seeds', values.seeds) : 1;
  const trace = values.trace ? (line: string) => process.stdout.write(`${line}\n`) : undefined;
  const coverage = new Coverage();
  const totals = { steps: 0, operations: 0, hash: '' };
  const started = performance.now();
  await runSeeds(first, count, { trace }, (result) => {
    coverage.add(result.coverage);
    totals.steps += result.steps;
    totals.operations += result.operations;
    totals.hash = result.hash;
  });
  const seconds = (performance.now() - started) / 1_000;
  const lines = [
    `${count} seeds from ${first}: no promise broken`,
    ...(count === 1 ? [`history ${totals.hash}`] : []),
    `${totals.steps} steps, ${totals.operations} I/O operations`,
    `${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} seeds/s`,
    ...coverage.describe(),
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
  await main();
} catch (thrown) {
  const isKnown = thrown instanceof CrashFailure;
  process.stderr.write(`${isKnown ? thrown.message : String((thrown as Error).stack)}\n`);
  process.exitCode = 1;
}
