import { it } from 'vitest';
import { killWriters } from '../support/victim.js';

/** In both modes together; more with `DLE_KILLS=2000`. */
const KILLS = Number(process.env.DLE_KILLS ?? 200) / 2;

it(
  `holds everything acknowledged after ${KILLS} kills of a process that writes and compacts`,
  () => killWriters(KILLS, true),
  KILLS * 10_000,
);
