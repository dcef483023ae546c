import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { logComplianceSuite, logFaultsComplianceSuite } from '../../../src/testing/index.js';
import { fileLog, memoryLog } from './raft-log-under-test.js';

describe('RaftLog in memory', () => {
  logComplianceSuite(it, async () => memoryLog());
  logFaultsComplianceSuite(it, async () => memoryLog());
});

describe('RaftLog in files', () => {
  logComplianceSuite(it, async () => {
    const root = await mkdtemp(join(tmpdir(), 'dle-raft-log-'));
    return fileLog(root, () => rm(root, { recursive: true }));
  });
});
