import { toText } from '@dle/common';
import { afterEach, expect, it } from 'vitest';
import { MemoryCluster } from '../support/memory-cluster.js';

const NEEDLE = 'needle in a haystack';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

it('a delete says that it does not know, where the record it would have found is damaged', async () => {
  // Alone, it has nobody to be made whole from, and goes on with what it has.
  cluster = await MemoryCluster.start(1);
  const { client } = cluster;
  await client.put(NEEDLE, 'a value');
  await client.put('other', 'another one');
  cluster.damage(1, NEEDLE);
  await expect(client.del(NEEDLE)).rejects.toMatchObject({
    code: 'DLE_OUTCOME_UNKNOWN',
    effect: 'unknown',
    message: expect.stringContaining('damaged'),
  });
  expect(await client.del('nobody')).toMatchObject({ existed: false });
  expect(toText((await client.get('other'))!)).toBe('another one');
  expect(await client.del('other')).toMatchObject({ existed: true });
});
