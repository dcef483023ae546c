/** What happened in a run, a line a step; two runs are the same if their hashes are. */
export class History {
  readonly lines: string[] = [];
  readonly #listener: ((line: string) => void) | undefined;
  #hash = 0x811c9dc5;

  constructor(listener?: (line: string) => void) {
    this.#listener = listener;
  }

  /** FNV-1a of all lines. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  add(line: string): void {
    this.lines.push(line);
    this.#listener?.(line);
    for (let place = 0; place < line.length; place++) {
      this.#hash = Math.imul(this.#hash ^ line.charCodeAt(place), 0x01000193);
    }
    this.#hash = Math.imul(this.#hash ^ 0x0a, 0x01000193);
  }
}
