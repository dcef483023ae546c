/** Holds the simulation of nodes against mistakes made on purpose: it must find each of them. */
import { fileURLToPath } from 'node:url';
import { runMutants } from '../../../scripts/mutants/run.mjs';

await runMutants({
  about: 'Compiles nodes with one mistake at a time, and simulates clusters until that is caught.',
  patches: fileURLToPath(new URL('.', import.meta.url)),
  subject: {
    rooms: [
      'packages/common',
      'packages/storage',
      'packages/net',
      'packages/raft',
      'packages/client',
      'apps/server',
      'packages/sim',
    ],
    program: 'packages/sim/dist/cli.js',
    argumentsFor: (seeds, first) => [
      ...['--first', `${first}`, '--seeds', `${seeds}`],
      ...['--jobs', '1', '--until-failure', '--no-shrink'],
    ],
  },
});
