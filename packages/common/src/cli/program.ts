/** Runs a program: `run` is given its words, and resolves with its exit code. */
export async function runProgram(
  name: string,
  run: (words: readonly string[]) => Promise<number>,
): Promise<void> {
  // Whoever reads our output may have seen enough (`dump | head`): that ends the command, and is
  // nobody's fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.stderr.write(`${name}: DLE_IO: ${error.message}\n`);
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  process.stderr.on('error', () => process.exit(1));
  process.exitCode = await run(process.argv.slice(2));
  // A terminal or a pipe that nobody ends would hold the process when it stops reading early.
  process.stdin.destroy();
}
