import { expect, it } from 'vitest';
import { runSeeds } from '../../src/testing/crash/run-seeds.js';

const SEEDS = Number(process.env.DLE_SEEDS ?? 1_000);
const FIRST_SEED = Number(process.env.DLE_SEED ?? 1);

it(`a store that crashes holds all that was acknowledged and a prefix of the rest (${SEEDS} seeds)`, async () => {
  let operations = 0;
  await runSeeds(FIRST_SEED, SEEDS, {}, (result) => {
    operations += result.operations;
  });
  expect(operations).toBeGreaterThan(0);
}, 600_000);
