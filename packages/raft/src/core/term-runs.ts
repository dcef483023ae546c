import { assert } from '@dle/common';

/**
 * The terms of a log, as runs of equal ones: as many as there were leaders who wrote something,
 * however many entries there are. The run of the log's base stands before the first entry; in a
 * whole log that is index 0, term 0.
 *
 *     index  0 | 1 2 3 | 4 | 5 6 7          #starts [0, 1, 4, 5]
 *     term   0 | 1 1 1 | 2 | 6 6 6          #terms  [0, 1, 2, 6]
 */
export class TermRuns {
  readonly #starts: number[];
  readonly #terms: number[];

  constructor(baseIndex: number, baseTerm: number) {
    this.#starts = [baseIndex];
    this.#terms = [baseTerm];
  }

  get lastTerm(): number {
    return this.#terms.at(-1)!;
  }

  append(index: number, term: number): void {
    assert(Number.isSafeInteger(term) && term >= this.lastTerm, `term ${term} after a later one`);
    if (term === this.lastTerm) return;
    this.#starts.push(index);
    this.#terms.push(term);
  }

  /** Forgets the entries from `index` on, which is behind the base. */
  truncate(index: number): void {
    while (this.#starts.at(-1)! >= index) {
      this.#starts.pop();
      this.#terms.pop();
    }
  }

  /** Forgets the entries before `index`, the new base. */
  purge(index: number): void {
    const base = lastAtMost(this.#starts, index);
    this.#starts.splice(0, base);
    this.#terms.splice(0, base);
    this.#starts[0] = index;
  }

  /** `index` is at least that of the base. */
  termAt(index: number): number {
    return this.#terms[lastAtMost(this.#starts, index)]!;
  }

  /**
   * The largest index up to `index` whose term is at most `term`; one below the base: none that is
   * known.
   */
  lastWithTermAtMost(index: number, term: number): number {
    if (term < this.#terms[0]!) return Math.min(index, this.#starts[0]! - 1);
    const next = this.#starts[lastAtMost(this.#terms, term) + 1];
    return next === undefined ? index : Math.min(index, next - 1);
  }
}

/** Position of the last element that is at most `value`, in a rising list whose first one is. */
function lastAtMost(rising: readonly number[], value: number): number {
  let low = 0;
  let high = rising.length - 1;
  // Most questions are about the last run.
  if (rising[high]! <= value) return high;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (rising[middle]! <= value) low = middle;
    else high = middle;
  }
  return low;
}
