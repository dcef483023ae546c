#!/usr/bin/env node
import { parseArgs } from 'node:util';
import type { SimulationResult } from './simulation.js';

const HELP = `Runs whole clusters and their clients from seeds, with faults, and checks all they do.

  --seeds N    how many seeds to run (100)
  --first S    the first of them (1)
  --seed S     this one alone
  --events N   events of the phase with faults, for each node (1500)
  --trace      print everything of note
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((argument) => argument !== '--'),
    options: {
      seeds: { type: 'string', default: '100' },
      first: { type: 'string', default: '1' },
      seed: { type: 'string' },
      events: { type: 'string', default: '1500' },
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
  const events = wholeNumber('--events', values.events);
  const trace = values.trace ? (line: string) => process.stdout.write(`${line}\n`) : undefined;
  // Before anything that may load it: the addon is no part of what a seed decides.
  process.env.DLE_NATIVE = '0';
  const { Coverage } = await import('./checks/coverage.js');
  const { runSeeds } = await import('./run-seeds.js');
  const coverage = new Coverage();
  const totals = { events: 0, operations: 0, virtualMs: 0, slowestMs: 0, hash: '' };
  const started = performance.now();
  const failures = await runSeeds(
    first,
    count,
    trace === undefined ? { events } : { events, trace },
    (result: SimulationResult) => {
      coverage.add(result.coverage);
      totals.events += result.events;
      totals.operations += result.operations;
      totals.virtualMs += result.virtualMs;
      totals.slowestMs = Math.max(totals.slowestMs, result.servesAfterMs);
      totals.hash = result.hash;
    },
    ({ message }) => process.stderr.write(`${message}\n\n`),
  );
  const seconds = (performance.now() - started) / 1_000;
  const lines = [
    `${count} seeds from ${first}: ${failures.length === 0 ? 'no promise broken' : `${failures.length} failed (${failures.map(({ seed }) => seed).join(' ')})`}`,
    ...(count === 1 ? [`history ${totals.hash}`] : []),
    `${totals.events} events, ${totals.operations} operations of clients, ${Math.round(totals.virtualMs / 1_000)} s of virtual time`,
    `served again at most ${(totals.slowestMs / 1_000).toFixed(1)} s after the faults, of virtual time`,
    `${seconds.toFixed(1)} s, ${((60 * count) / seconds).toFixed(0)} seeds/min, ${Math.round(totals.events / seconds)} events/s`,
    ...coverage.describe(),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (failures.length > 0) process.exitCode = 1;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`${name} must be a whole number, not ${text}\n`);
  process.exit(2);
}

await main();
// Processes that have crashed in there hold this one: nobody has told them to let go.
process.exit();
