import { run } from './run.js';

// Whoever reads our output may have seen enough (`dle-store DIR scan | head`): that ends the
// command, and is nobody's fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.stderr.write(`dle-store: DLE_IO: ${error.message}\n`);
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});
process.stderr.on('error', () => process.exit(1));

process.exitCode = await run(process.argv.slice(2));
// A terminal or a pipe that nobody ends would hold the process.
process.stdin.destroy();
