/** Lines of the end that are kept for whoever asks what led to a failure. */
const KEPT_LINES = 150;

/** What happened in a run; two runs were the same if their hashes are. */
export class Chronicle {
  readonly #listener: ((line: string) => void) | undefined;
  readonly #lines: string[] = [];
  #hash = 0x811c9dc5;

  constructor(listener: ((line: string) => void) | undefined) {
    this.#listener = listener;
  }

  /** FNV-1a of all that happened. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** The last of the lines. */
  get lines(): readonly string[] {
    return this.#lines.slice(-KEPT_LINES);
  }

  /** Something worth a line. */
  say(time: number, who: string, what: string): void {
    const line = `${time.toFixed(3).padStart(11)} ms ${who}: ${what}`;
    for (let place = 0; place < line.length; place++) this.#mix(line.charCodeAt(place));
    this.#listener?.(line);
    this.#lines.push(line);
    if (this.#lines.length > 4 * KEPT_LINES) this.#lines.splice(0, 3 * KEPT_LINES);
  }

  /** An event that is worth none. */
  add(time: number, actor: number): void {
    const microseconds = Math.round(time * 1_000);
    this.#mix(microseconds & 0xffff);
    this.#mix(microseconds >>> 16);
    this.#mix(actor);
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
  }
}
