import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer, Ask } from './subject.js';
import type { SubjectKind } from './subject-names.js';

const PROGRAM = fileURLToPath(new URL('./subject-process.js', import.meta.url));
/** A `Map` of ten million strings needs it; all get the same. */
const FLAGS = ['--max-old-space-size=8000', '--expose-gc'];

export interface ChildOptions {
  readonly directory: string;
  readonly keys: number;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A process that measures one subject, as its parent sees it. */
export class Child {
  readonly #kind: SubjectKind;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #failure: Error | undefined;

  constructor(kind: SubjectKind, { directory, keys, env = {} }: ChildOptions) {
    this.#kind = kind;
    this.#process = fork(PROGRAM, [kind, directory, String(keys)], {
      env: { ...process.env, ...env },
      execArgv: FLAGS,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#exited = new Promise((resolve) => this.#process.once('close', () => resolve()));
    this.#process.once('error', (error) => this.#fail(error.message));
    this.#process.once('exit', (code, signal) => this.#fail(`it ended with ${signal ?? code}`));
    this.#process.on('message', (answer: Answer) => this.#settle(answer));
  }

  /** Has it do something. Rejects if that fails, or the process ends. */
  ask<Result>(action: string, amount = 0): Promise<Result> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = ++this.#asked;
    const ask: Ask = { id, action, amount };
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#process.send(ask);
    });
  }

  /** Kills it, whatever it does; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(new Error(`${this.#kind}: ${answer.error}`));
    else waiting?.resolve(answer.result);
  }

  #fail(reason: string): void {
    this.#failure ??= new Error(`the process of ${this.#kind} failed: ${reason}`);
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}
