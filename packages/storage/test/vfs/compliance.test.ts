import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom, systemClock } from '@dle/common';
import { describe, it } from 'vitest';
import { MemVfs, vfsComplianceSuite } from '../../src/testing/index.js';
import { NodeVfs } from '../../src/vfs/node-vfs.js';

describe('NodeVfs', () => {
  vfsComplianceSuite(it, async () => {
    const root = await mkdtemp(join(tmpdir(), 'dle-vfs-'));
    return {
      vfs: new NodeVfs(),
      directory: join(root, 'data'),
      dispose: () => rm(root, { recursive: true }),
    };
  });
});

describe('MemVfs', () => {
  vfsComplianceSuite(it, async () => ({
    vfs: new MemVfs({ random: new SeededRandom(1), clock: systemClock }),
    directory: '/data',
    dispose: async () => {},
  }));
});
