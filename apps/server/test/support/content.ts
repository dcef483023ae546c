import { createHash } from 'node:crypto';
import type { Client } from '@dle/client';
import type { ProcessCluster } from '../../src/testing/index.js';

/** What node `id` holds by itself: how many keys, and a digest of all bytes. */
export async function contentOf(cluster: ProcessCluster, id: number): Promise<string> {
  const client = cluster.client([cluster.server(id).address]);
  const pairs: string[] = [];
  try {
    for await (const { key, value } of client.dump({ level: 'stale' })) {
      pairs.push(`${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`);
    }
  } finally {
    await client.close();
  }
  const digest = createHash('sha256').update(pairs.sort().join('\n')).digest('hex');
  return `${pairs.length} keys, ${digest}`;
}

/** Puts `count` keys of `bytes` each, in portions that are under way at once. */
export async function fill(
  client: Client,
  count: number,
  { from = 0, bytes = 5_000 }: { readonly from?: number; readonly bytes?: number } = {},
): Promise<void> {
  for (let at = from; at < from + count; at += 200) {
    const keys = Array.from({ length: Math.min(200, from + count - at) }, (_, i) => at + i);
    await Promise.all(keys.map((key) => client.put(`key ${key}`, `${key} `.padEnd(bytes, 'x'))));
  }
}
