export { type Branch, Coverage } from './coverage.js';
export {
  describeConfiguration,
  describeEffect,
  describeEntry,
  describeEvent,
  describeMessage,
} from './describe.js';
export { Invariants, InvariantViolation } from './invariants.js';
export { Links } from './links.js';
export { firstEntry } from './sim-cluster.js';
export {
  SimulationFailure,
  type SimulationOptions,
  type SimulationResult,
  simulate,
} from './simulation.js';
export { TestBatch, type TestEntry } from './test-entry.js';
export { type DurableState, TestLog } from './test-log.js';
export { TestNode, type TestWorld } from './test-node.js';
