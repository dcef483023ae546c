import { Client } from '@dle/client';
import { toBytes } from '@dle/common';
import { lostDataStates } from '@dle/raft';
import { expect, it } from 'vitest';
import { createNode } from '../../src/index.js';
import { beginFreshStore } from '../../src/repair/fresh-store.js';
import { diskOf } from '../support/disk.js';

it('a node that has lost its data answers nobody by itself, from its first moment on', async () => {
  const disk = diskOf(1);
  const { vfs } = disk;
  const store = {
    storeId: 'a'.repeat(32),
    states: lostDataStates(new Map([['cluster', toBytes('c')]])),
  };
  await beginFreshStore(disk, '/data/node-1', store, 'it rots', Number.POSITIVE_INFINITY);
  // Consensus begins when the identity is on the disk.
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const create = vfs.createSync.bind(vfs);
  vfs.createSync = (path) => {
    const file = create(path);
    const flush = file.datasync.bind(file);
    if (path.endsWith('identity.tmp')) file.datasync = () => released.then(flush);
    return file;
  };
  const options = { id: 1, port: 0, peers: ['127.0.0.1:1'], dataDir: '/data' };
  const node = await createNode(options, disk);
  const client = new Client({}, { endpoints: [node.address] });
  const refused = { cause: { code: 'DLE_UNAVAILABLE' } };
  const read = () => client.get('key', { level: 'stale', timeoutMs: 300 });
  await expect(read()).rejects.toMatchObject(refused);
  release();
  await expect(read()).rejects.toMatchObject(refused);
  await client.close();
  await node.close();
});
