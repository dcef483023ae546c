import { expect, it } from 'vitest';
import { runSeeds } from '../../src/testing/crash/run-seeds.js';

/** In both modes together, each has its half. */
const SEEDS = Number(process.env.DLE_SEEDS ?? 400) / 2;
const FIRST_SEED =
  Number(process.env.DLE_SEED ?? 1) + (process.env.DLE_NATIVE === 'require' ? SEEDS : 0);

it(`a store that crashes holds all that was acknowledged and a prefix of the rest (seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1})`, async () => {
  let operations = 0;
  await runSeeds(FIRST_SEED, SEEDS, {}, (result) => {
    operations += result.operations;
  });
  expect(operations).toBeGreaterThan(0);
}, 600_000);
