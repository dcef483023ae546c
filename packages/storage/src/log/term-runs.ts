/** Terms of consecutive entries: one pair per term, since terms never fall. */
export class TermRuns {
  readonly #firstIndexes: number[] = [];
  readonly #terms: number[] = [];

  /** The entries from `index` on have `term`, until the next call. */
  add(index: number, term: number): void {
    if (this.#terms.at(-1) === term) return;
    this.#firstIndexes.push(index);
    this.#terms.push(term);
  }

  /** Forgets `index` and what comes after it. */
  truncate(index: number): void {
    while (this.#firstIndexes.length > 0 && this.#firstIndexes.at(-1)! >= index) {
      this.#firstIndexes.pop();
      this.#terms.pop();
    }
  }

  /** Forgets runs that end before `index`. */
  releaseBelow(index: number): void {
    const keep = this.#runOf(index);
    if (keep <= 0) return;
    this.#firstIndexes.splice(0, keep);
    this.#terms.splice(0, keep);
  }

  /** 0 before the first run. */
  termAt(index: number): number {
    return this.#terms[this.#runOf(index)] ?? 0;
  }

  /** The last run that begins at or before `index`; -1 if there is none. */
  #runOf(index: number): number {
    let low = 0;
    let high = this.#firstIndexes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#firstIndexes[middle]! <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
