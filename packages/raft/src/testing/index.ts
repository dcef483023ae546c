export { InvariantViolation } from './check.js';
export { type ClockUnderTest, clockComplianceSuite } from './clock-compliance-suite.js';
export { type Branch, Coverage } from './coverage.js';
export {
  describeConfiguration,
  describeEffect,
  describeEntry,
  describeEvent,
  describeMessage,
} from './describe.js';
export { Dice } from './dice.js';
export { EventQueue } from './event-queue.js';
export { Invariants } from './invariants.js';
export { Links } from './links.js';
export { logComplianceSuite } from './log-compliance-suite.js';
export {
  type FaultyLogUnderTest,
  logFaultsComplianceSuite,
} from './log-faults-compliance-suite.js';
export type { LogUnderTest } from './opened-log.js';
export { firstEntry } from './sim-cluster.js';
export {
  SimulationFailure,
  type SimulationOptions,
  type SimulationResult,
  simulate,
} from './simulation.js';
export {
  type StateMachineUnderTest,
  stateMachineComplianceSuite,
} from './state-machine-compliance-suite.js';
export { TestBatch, type TestEntry } from './test-entry.js';
export { type DurableState, TestLog } from './test-log.js';
export { TestNode, type TestWorld } from './test-node.js';
export {
  type FaultyTransportUnderTest,
  type TransportEnd,
  type TransportUnderTest,
  transportComplianceSuite,
  transportFaultsComplianceSuite,
} from './transport-compliance-suite.js';
