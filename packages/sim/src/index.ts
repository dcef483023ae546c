export { Coverage, type SimEvent } from './checks/coverage.js';
export { runSeeds } from './run-seeds.js';
export type { FailureReport, SeedReport } from './seed-report.js';
export {
  SimulationFailure,
  type SimulationOptions,
  type SimulationResult,
  simulate,
} from './simulation.js';
