import { mkdirSync, rmSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchComponents } from '../in-turns.js';
import { untilAborted } from '../interruption.js';
import { Child } from './child.js';
import { SUBJECTS, type SubjectName } from './subject-names.js';

export interface StageOptions {
  readonly directory: string;
  readonly keys: number;
}

/** The subjects with one number of keys, each started and filled when it is first asked. */
export class Stage {
  readonly #components: BenchComponents;
  readonly #options: StageOptions;
  readonly #children = new Map<SubjectName, Child>();
  readonly #filled = new Set<SubjectName>();

  constructor(components: BenchComponents, options: StageOptions) {
    this.#components = components;
    this.#options = options;
  }

  /** Has `subject` do something. */
  async ask<Result>(subject: SubjectName, action: string, amount?: number): Promise<Result> {
    const child = this.#children.get(subject) ?? (await this.#begin(subject));
    return this.#until(child.ask<Result>(action, amount));
  }

  /** A process for the directory of `subject`, with nothing opened yet. */
  start(subject: SubjectName): Child {
    const { kind, env } = SUBJECTS[subject];
    const { keys } = this.#options;
    const child = new Child(kind, { directory: this.#directory(subject), keys, env });
    this.#children.set(subject, child);
    return child;
  }

  /** Closes `subject`, if it runs, and ends its process; what it has stored stays. */
  async close(subject: SubjectName): Promise<void> {
    if (!this.#children.has(subject)) return;
    await this.ask(subject, 'close');
    await this.kill(subject);
  }

  /** Ends its process as a crash does. */
  async kill(subject: SubjectName): Promise<void> {
    await this.#children.get(subject)?.kill();
    this.#children.delete(subject);
  }

  /** Ends its process, and removes what it has stored. */
  async remove(subject: SubjectName): Promise<void> {
    await this.kill(subject);
    this.#filled.delete(subject);
    await rm(this.#directory(subject), { recursive: true, force: true });
  }

  /** Ends all, and removes what they have stored. */
  async removeAll(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((subject) => this.kill(subject)));
    rmSync(this.#options.directory, { recursive: true, force: true });
  }

  async #begin(subject: SubjectName): Promise<Child> {
    const isFilled = this.#filled.has(subject);
    this.#components.progress(`${isFilled ? 'opening' : 'filling'} ${subject}`);
    if (!isFilled) mkdirSync(this.#directory(subject), { recursive: true });
    this.#filled.add(subject);
    const child = this.start(subject);
    await this.#until(child.ask(isFilled ? 'open' : 'fill'));
    // Else the system would write it in the background, beside the rounds of all.
    if (!isFilled) await this.#until(flushFiles(this.#directory(subject)));
    return child;
  }

  #until<Result>(work: Promise<Result>): Promise<Result> {
    return untilAborted(this.#components.signal, work);
  }

  #directory(subject: SubjectName): string {
    return join(this.#options.directory, subject);
  }
}

async function flushFiles(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const file = await open(join(entry.parentPath, entry.name), 'r+');
    await file.datasync().finally(() => file.close());
  }
}
