import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Whether strace is here and may look at other processes. */
export function canTrace(): boolean {
  return spawnSync('strace', ['-qq', '-f', '-o', '/dev/null', 'true']).status === 0;
}

/** A system call that fails: which, with what error, and at which of its calls, as strace has it. */
export interface Fault {
  readonly call: string;
  readonly error: string;
  /** `3`: the third; `3+`: the third and all behind it; `3+5`: every fifth from it on. */
  readonly when: string;
  /** Only calls that concern one of these files. */
  readonly paths?: readonly string[];
}

export interface Outcome {
  readonly lines: readonly string[];
  readonly errors: string;
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * Runs `script` of this folder until it says that it is ready, has `fault` befall it from then on,
 * and tells it to go on. One thread does the work of the pool, for strace counts calls by thread.
 */
export async function runWithFault(
  script: string,
  parameters: readonly string[],
  { call, error, when, paths = [] }: Fault,
): Promise<Outcome> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...parameters], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '1', UV_USE_IO_URING: '0' },
  });
  const [output, errors] = [textOf(child.stdout), textOf(child.stderr)];
  const gone = once(child, 'close') as Promise<[number | null, string | null]>;
  await output.has('ready\n', gone);
  const strace = spawn('strace', [
    ...['-f', '-o', '/dev/null', '-p', `${child.pid}`],
    ...['-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=${when}`],
    ...paths.flatMap((path) => ['-P', path]),
  ]);
  const straceGone = once(strace, 'close');
  await textOf(strace.stderr).has('attached', straceGone);
  child.stdin.end('go\n');
  const [code, signal] = await gone;
  await straceGone;
  return { lines: output.text.split('\n').slice(0, -1), errors: errors.text, code, signal };
}

/** What a stream has brought so far. */
function textOf(stream: ChildProcess['stdout']) {
  const received = {
    text: '',
    /** Resolves when `part` has come; rejects if `gone` comes first. */
    async has(part: string, gone: Promise<unknown>): Promise<void> {
      let ended = false;
      const end = gone.then(() => {
        ended = true;
      });
      while (!received.text.includes(part)) {
        if (ended) throw new Error(`ended without "${part.trim()}": ${received.text}`);
        await Promise.race([once(stream!, 'data'), end]);
      }
    },
  };
  stream!.on('data', (data) => {
    received.text += data;
  });
  return received;
}
