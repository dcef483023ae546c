export { Coverage, type SimEvent } from './checks/coverage.js';
export { runSeeds } from './run-seeds.js';
export {
  SimulationFailure,
  type SimulationOptions,
  type SimulationResult,
  simulate,
} from './simulation.js';
