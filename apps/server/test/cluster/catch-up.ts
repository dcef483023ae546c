import { readFileSync } from 'node:fs';
import type { Client } from '@dle/client';
import { isDleError } from '@dle/common';
import { ProcessCluster, type ServerProcess } from '../../src/testing/index.js';

const VALUE_BYTES = 100;
const FILLING = 2_000;
/** Writers at once while it is measured. */
const WRITERS = 16;
/** A log that is far shorter than what is written. */
const FLAGS = ['--log-retention-bytes', '16MB'];
const BASELINE_MS = 10_000;
const SAMPLE_MS = 100;
const PATIENCE_MS = 600_000;

export interface CatchUpReport {
  readonly records: number;
  /** From the start of the member until it had what the leader had. */
  readonly caughtUpMs: number;
  readonly snapshots: number;
  readonly writes: { readonly alone: Latencies; readonly meanwhile: Latencies };
  /** Most memory of the process in MiB: before, while, of the leader and of the member. */
  readonly leaderMiB: readonly [number, number];
  readonly memberMiB: number;
}

interface Latencies {
  readonly count: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Lets a member fall `records` behind, and measures how it catches up while others write. */
export async function catchUp(records: number): Promise<CatchUpReport> {
  const cluster = await ProcessCluster.create({ flags: FLAGS });
  const client = cluster.client();
  try {
    cluster.startAll();
    const leader = cluster.server(await cluster.leader());
    await cluster.converged();
    const away = cluster.servers.find((server) => server !== leader)!;
    await away.stop();
    for (let at = 0; at < records; at += FILLING) {
      const keys = Array.from({ length: FILLING }, (_, i) => `record ${at + i}`);
      await Promise.all(keys.map((key) => put(client, key)));
    }
    let until = () => false;
    const write = async (): Promise<Latencies> => {
      const times: number[] = [];
      const writer = async (number: number): Promise<void> => {
        for (let at = 0; !until(); at++) {
          const began = performance.now();
          await put(client, `writer ${number} ${at % 1_000}`);
          times.push(performance.now() - began);
        }
      };
      await Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)));
      return latencies(times);
    };
    const baselineEnd = performance.now() + BASELINE_MS;
    until = () => performance.now() > baselineEnd;
    const alone = await write();
    const before = residentMiB(leader);
    let isThere = false;
    until = () => isThere;
    const began = performance.now();
    away.start();
    const meanwhile = write();
    let [leaderMost, memberMost] = [before, 0];
    await cluster.eventually(
      'a member that has caught up',
      async () => {
        leaderMost = Math.max(leaderMost, residentMiB(leader));
        memberMost = Math.max(memberMost, residentMiB(away));
        const status = await cluster.status(leader.options.id);
        const member = status?.members.find(({ id }) => id === away.options.id);
        await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
        return member?.caughtUp === true && (member.lag ?? records) < 1_000 ? true : undefined;
      },
      PATIENCE_MS,
    );
    const caughtUpMs = performance.now() - began;
    isThere = true;
    const writes = { alone, meanwhile: await meanwhile };
    const { received } = (await cluster.status(away.options.id))!.snapshots;
    const leaderMiB = [before, leaderMost] as const;
    return { records, caughtUpMs, snapshots: received, writes, leaderMiB, memberMiB: memberMost };
  } finally {
    await client.close();
    await cluster.destroy();
  }
}

/** Again and again, until it is done: whoever leads may change on a busy machine. */
async function put(client: Client, key: string): Promise<void> {
  for (;;) {
    try {
      await client.put(key, key.padEnd(VALUE_BYTES, '.'));
      return;
    } catch (thrown) {
      if (!isDleError(thrown, 'DLE_OUTCOME_UNKNOWN')) throw thrown;
    }
  }
}

function latencies(times: readonly number[]): Latencies {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)]!;
  return { count: sorted.length, medianMs: at(0.5), p99Ms: at(0.99) };
}

/** Memory of its own that the process holds: mapped files are the page cache's. */
function residentMiB({ pid }: ServerProcess): number {
  if (pid === undefined) return 0;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}
