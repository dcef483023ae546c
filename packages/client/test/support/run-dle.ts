import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The command as its users start it; it runs what was built. */
const DLE = fileURLToPath(new URL('../../bin/dle.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunningDle {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** Starts `dle` with `words`, against `endpoints`. */
export function startDle(endpoints: string, words: readonly string[]): RunningDle {
  const env = { ...process.env, DLE_ENDPOINTS: endpoints };
  const child = spawn(process.execPath, [DLE, ...words], { env });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
  });
  return { child, outcome };
}

/** Runs `dle` to its end. */
export function runDle(
  endpoints: string,
  words: readonly string[],
  input: Uint8Array | string = '',
): Promise<Outcome> {
  const { child, outcome } = startDle(endpoints, words);
  // A command that fails early does not read all of it.
  child.stdin!.on('error', () => {});
  child.stdin!.end(input);
  return outcome;
}
