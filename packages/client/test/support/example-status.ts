import type { NodeStatus } from '../../src/index.js';

/** What a healthy leader of a cluster of one might say. */
export function exampleStatus(overrides: Partial<NodeStatus> = {}): NodeStatus {
  return {
    node: 1,
    instance: 'a1',
    cluster: 'c1',
    role: 'leader',
    term: 3,
    leader: 1,
    address: '127.0.0.1:9001',
    commit: 12,
    applied: 12,
    firstIndex: 1,
    lastIndex: 12,
    logBytes: 1_000,
    keys: 5,
    segments: 1,
    bytes: 4_096,
    snapshots: { sent: 0, received: 0, sending: [] },
    repair: { repairing: false, repaired: 0 },
    members: [{ id: 1, instance: 'a1', address: '127.0.0.1:9001', match: 12, reachable: true }],
    version: '0.1.0',
    uptimeMs: 1_000,
    ...overrides,
  };
}
