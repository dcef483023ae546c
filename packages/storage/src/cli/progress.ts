import type { CareProgress } from '../care/types.js';

const EVERY_MS = 200;

/** A line on the terminal that says how far a command is; nothing where there is no terminal. */
export class Progress {
  readonly #what: string;
  readonly #shown: boolean;
  #lastAt = 0;
  #wrote = false;

  constructor(what: string, json: boolean) {
    this.#what = what;
    this.#shown = !json && process.stderr.isTTY;
  }

  readonly bytes = ({ doneBytes, totalBytes }: CareProgress): void => {
    const part = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes);
    this.show(`${Math.floor(part * 100)} % of ${(totalBytes / 1e6).toFixed(1)} MB`);
  };

  show(how: string): void {
    const now = performance.now();
    if (!this.#shown || now - this.#lastAt < EVERY_MS) return;
    this.#lastAt = now;
    this.#wrote = true;
    process.stderr.write(`\r\u001b[K${this.#what}: ${how}`);
  }

  end(): void {
    if (this.#wrote) process.stderr.write('\r\u001b[K');
  }
}
