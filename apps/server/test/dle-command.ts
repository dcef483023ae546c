import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const DLE = fileURLToPath(new URL('../../../packages/client/bin/dle.js', import.meta.url));

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs the real `dle` command. */
export function dle(args: readonly string[], input?: Uint8Array): Promise<CommandResult> {
  const child = spawn(process.execPath, [DLE, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({
        exitCode: code ?? -1,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}
