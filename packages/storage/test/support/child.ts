import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** A process of its own, running the built package. */
export class Child {
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  /** When all it said has been read, too. */
  readonly #gone: Promise<void>;
  #isGone = false;
  #output = '';
  #errors = '';

  private constructor(script: string, parameters: readonly string[], environment: object) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    this.#process = spawn(process.execPath, [path, ...parameters], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#gone = new Promise((resolve) => {
      this.#process.once('close', () => {
        this.#isGone = true;
        resolve();
      });
    });
    this.#process.stdout.on('data', (data) => {
      this.#output += data;
    });
    this.#process.stderr.on('data', (data) => {
      this.#errors += data;
    });
  }

  /** Resolves when it has said its first line. */
  static start(script: string, ...parameters: string[]): Promise<Child> {
    return Child.startIn({}, script, ...parameters);
  }

  /** As `start`, with `environment` in addition to that of this process. */
  static async startIn(
    environment: Readonly<Record<string, string>>,
    script: string,
    ...parameters: string[]
  ): Promise<Child> {
    const child = new Child(script, parameters, environment);
    await child.saysMoreThan(0);
    return child;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** What it has said, in whole lines. */
  get lines(): string[] {
    return this.#output.split('\n').slice(0, -1);
  }

  /** Resolves when it has said more than `count` lines; rejects if it ends before. */
  async saysMoreThan(count: number): Promise<void> {
    while (this.lines.length <= count) {
      if (this.#isGone) throw new Error(`the child has ended: ${this.#errors}`);
      await Promise.race([once(this.#process.stdout, 'data'), this.#gone]);
    }
  }

  /** Resolves with its exit code when it has ended by itself. */
  async ends(): Promise<number | null> {
    await this.#gone;
    return this.#process.exitCode;
  }

  /**
   * Kills it without any chance to clean up; resolves when it is gone and all it said has been
   * read.
   */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#gone;
  }
}
