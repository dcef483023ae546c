import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { catchUp } from './catch-up.js';
import { failovers } from './failover.js';
import { type FaultRunReport, faultRun } from './fault-run.js';
import { woundRun } from './wound-run.js';

const USAGE = `usage: faults [--minutes N] [--seed S] [--seconds T]
       faults --failover N
       faults --wounds N [--seed S]
       faults --catch-up N

Runs clusters of three real processes under faults, each from the next seed, for N minutes
(default 10), the first from seed S (default: drawn); things go wrong for T seconds in each
(default 20). Stops at the first run that shows a problem, prints its seed and the proof, keeps
its data, and exits with 1.

--failover N: kills the leader N times, and prints how long it takes until a write is
acknowledged again.

--wounds N: harms the files of one of three nodes N times, waiting each time until the nodes are
equal again and nothing is lost.

--catch-up N: lets a member fall N records behind, and measures how it catches up while others
write.`;

/**
 * A cluster that serves no sooner once all is mended is worth a look, though a busy machine may be
 * why.
 */
const SLOW_RECOVERY_MS = 3_000;

/** The command for hours: see USAGE. Returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  // Servers are ended by what runs at exit.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(130));
  const { minutes, seed, seconds, failover, wounds, help, ...others } = parse(args);
  const records = others['catch-up'];
  if (help) console.log(USAGE);
  else if (failover !== undefined) await measureFailover(Number(failover));
  else if (records !== undefined) console.log(await catchUp(Number(records)));
  else if (wounds !== undefined) return await inflictWounds(Number(wounds), Number(seed));
  else return await runSeeds(Number(minutes), Number(seed), Number(seconds) * 1_000);
  return 0;
}

function parse(args: readonly string[]) {
  const firstSeed = `${Math.floor(Math.random() * 1_000_000)}`;
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: firstSeed },
      seconds: { type: 'string', default: '20' },
      failover: { type: 'string' },
      wounds: { type: 'string' },
      'catch-up': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return values;
}

async function runSeeds(minutes: number, firstSeed: number, durationMs: number): Promise<number> {
  const end = performance.now() + minutes * 60_000;
  for (let seed = firstSeed; performance.now() < end; seed++) {
    const dataDir = mkdtempSync(join(tmpdir(), `dle-faults-${seed}-`));
    process.stdout.write(`seed ${seed}: `);
    const report = await faultRun({ seed, durationMs, dataDir });
    console.log(describe(report));
    if (report.problems.length > 0) {
      console.log([...report.hits, ...report.problems, `data and logs: ${dataDir}`].join('\n'));
      return 1;
    }
    if (report.recoveryMs > SLOW_RECOVERY_MS) console.log(`slow; data and logs: ${dataDir}`);
    else rmSync(dataDir, { recursive: true });
  }
  return 0;
}

async function inflictWounds(wounds: number, seed: number): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), `dle-wounds-${seed}-`));
  console.log(`seed ${seed}`);
  const report = await woundRun({ seed, wounds, dataDir, log: (line) => console.log(line) });
  const { problems, repairs, ended } = report;
  console.log(`${report.wounds.length} wounds, ${repairs} repairs; ${ended} processes ended`);
  if (problems.length > 0) {
    console.log([report.wounds.at(-1), ...problems, `data and logs: ${dataDir}`].join('\n'));
    return 1;
  }
  rmSync(dataDir, { recursive: true });
  return 0;
}

function describe({ problems, hits, outcomes, recoveryMs }: FaultRunReport): string {
  const { ok, unknown, failed } = outcomes;
  const verdict = problems.length === 0 ? 'linearizable, nothing lost' : 'PROBLEMS';
  const operations = `${ok} operations ok, ${unknown} unknown, ${failed} failed`;
  const recovery = `served again after ${recoveryMs.toFixed(0)} ms`;
  return `${verdict}; ${hits.length} faults, ${operations}; ${recovery}`;
}

async function measureFailover(samples: number): Promise<void> {
  const cluster: number[] = [];
  const client: number[] = [];
  for await (const { clusterMs, clientMs } of failovers(samples)) {
    cluster.push(clusterMs);
    client.push(clientMs);
    console.log(`${clusterMs.toFixed(0)} ms at a follower, ${clientMs.toFixed(0)} ms by a client`);
  }
  for (const [name, times] of Object.entries({ 'at a follower': cluster, 'by a client': client })) {
    const sorted = times.sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)]!;
    console.log(`${name}: median ${median.toFixed(0)} ms, worst ${sorted.at(-1)!.toFixed(0)} ms`);
  }
}
