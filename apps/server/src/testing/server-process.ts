import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/dle-server.js', import.meta.url));

export interface ServerProcessOptions {
  readonly id: number;
  readonly port: number;
  readonly peers: readonly string[];
  readonly dataDir: string;
  /** Standard output and error go here, appended over restarts. */
  readonly logFile: string;
  /** More flags of dle-server. */
  readonly flags?: readonly string[];
}

/** One real `dle-server`, started, killed, paused and started again. */
export class ServerProcess {
  readonly options: ServerProcessOptions;
  #child: ChildProcess | undefined;
  #exit: Promise<number | NodeJS.Signals> = Promise.resolve(0);

  constructor(options: ServerProcessOptions) {
    this.options = options;
  }

  get address(): string {
    return `127.0.0.1:${this.options.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    if (this.#child !== undefined) throw new Error(`node ${this.options.id} is running`);
    const { id, port, peers, dataDir, logFile, flags = [] } = this.options;
    const named = ['--id', id, '--port', port, '--data-dir', dataDir];
    if (peers.length > 0) named.push('--peers', peers.join());
    const child = spawn(process.execPath, [PROGRAM, ...named.map(String), ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(logFile, { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        log.end();
        this.#child = undefined;
        resolve(signal ?? code ?? -1);
      });
    });
  }

  /** Sends the signal; resolves with the exit code, or the signal, once the process is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    this.#child?.kill(signal);
    // A stopped process takes no other signal than SIGKILL.
    if (signal !== 'SIGKILL') this.#child?.kill('SIGCONT');
    return this.#exit;
  }

  /** Resolves when the process has ended by itself. */
  exited(): Promise<number | NodeJS.Signals> {
    return this.#exit;
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** What it has logged so far, over all its starts. */
  log(): string {
    return existsSync(this.options.logFile) ? readFileSync(this.options.logFile, 'utf8') : '';
  }
}
