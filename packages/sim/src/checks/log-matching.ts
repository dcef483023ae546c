interface LogOfTerms {
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** From that of the entry before the first one on. */
  termAt(index: number): number;
  bytesAt(index: number): number;
}

interface Entry {
  /** Of the entry before it. */
  readonly previousTerm: number;
  readonly bytes: number;
}

/**
 * Log matching (paper 5.3): where two logs have an entry of the same index and term, it is the
 * same, and all before it is. By induction: an entry that is known by index and term has one size,
 * and one entry before it.
 */
export class LogMatching {
  readonly #entries = new Map<number, Map<number, Entry>>();
  #problem = '';

  /** What was found broken last. */
  get problem(): string {
    return this.#problem;
  }

  view(): LogMatchingView {
    return new LogMatchingView((log, index) => this.#holds(log, index));
  }

  #holds(log: LogOfTerms, index: number): boolean {
    const term = log.termAt(index);
    const bytes = log.bytesAt(index);
    const previousTerm = log.termAt(index - 1);
    const terms = this.#entries.get(index) ?? new Map<number, Entry>();
    this.#entries.set(index, terms);
    const other = terms.get(term) ?? { previousTerm, bytes };
    terms.set(term, other);
    if (other.bytes === bytes && other.previousTerm === previousTerm) return true;
    this.#problem =
      `entry ${index}@${term} of ${bytes} bytes follows one of term ${previousTerm}, ` +
      `elsewhere ${other.bytes} bytes and one of term ${other.previousTerm}`;
    return false;
  }
}

/** What was seen of one log, so that only what is new in it has to be looked at. */
export class LogMatchingView {
  readonly #holds: (log: LogOfTerms, index: number) => boolean;
  readonly #terms: number[] = [];
  #lastIndex = 0;

  constructor(holds: (log: LogOfTerms, index: number) => boolean) {
    this.#holds = holds;
  }

  /** Whether all that is new in `log` matches what other logs hold. */
  look(log: LogOfTerms): boolean {
    const { firstIndex, lastIndex } = log;
    for (let index = lastIndex; index >= firstIndex; index--) {
      const term = log.termAt(index);
      if (index <= this.#lastIndex && this.#terms[index] === term) break;
      this.#terms[index] = term;
      if (!this.#holds(log, index)) return false;
    }
    this.#lastIndex = lastIndex;
    return true;
  }
}
