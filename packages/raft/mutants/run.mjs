/** Holds the simulation of the core against mistakes made on purpose: it must find each of them. */
import { fileURLToPath } from 'node:url';
import { runMutants } from '../../../scripts/mutants/run.mjs';

await runMutants({
  about: 'Compiles @dle/raft with one mistake at a time, and simulates until that is caught.',
  patches: fileURLToPath(new URL('.', import.meta.url)),
  subject: {
    rooms: ['packages/common', 'packages/storage', 'packages/raft'],
    patched: 'packages/raft',
    program: 'packages/raft/dist/testing/sim-cli.js',
    argumentsFor: (seeds, first) => ['--seed', `${first}`, '--seeds', `${seeds}`],
  },
});
