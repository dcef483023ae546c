import { RECORD_HEADER_BYTES } from '../log/record.js';
import type { Loss } from './types.js';

/** Bytes that are not what was written, and what has to be known of them later. */
interface Damaged {
  readonly file: string;
  readonly from: number;
  readonly to: number;
  /** Whether a record may have lain there, though no index is missing. */
  readonly mayHold: boolean;
}

/**
 * Follows the indexes of a log, which are consecutive, and says what is missing where it was
 * damaged.
 */
export class Continuity {
  readonly #lose: (loss: Loss) => void;
  #last = 0;
  /** Whether the last record was the last one of its entry. */
  #isComplete = true;
  #pending: Damaged[] = [];
  /** Where in the file at hand the last record lies; -1: none has been found there. */
  #offset = -1;

  constructor(lose: (loss: Loss) => void) {
    this.#lose = lose;
  }

  /** What comes now lies in another piece than the last record that was shown. */
  begin(): void {
    this.#offset = -1;
  }

  /** Whether a record of `index` can lie at `offset`: each takes some bytes. */
  admits(index: number, offset: number, highest: number): boolean {
    if (index < (this.#isComplete ? this.#last + 1 : this.#last) || index > highest) return false;
    if (this.#offset < 0) return true;
    return index <= this.#last + (offset - this.#offset) / RECORD_HEADER_BYTES;
  }

  damaged(file: string, from: number, to: number, mayHold: boolean): void {
    const last = this.#pending.at(-1);
    if (last?.file === file && last.to === from) {
      const joined = { file, from: last.from, to, mayHold: mayHold || last.mayHold };
      this.#pending[this.#pending.length - 1] = joined;
    } else {
      this.#pending.push({ file, from, to, mayHold });
    }
  }

  /** A whole record. */
  next(
    file: string,
    { index, lastOfEntry }: { readonly index: number; readonly lastOfEntry: boolean },
    offset: number,
  ): void {
    this.#arrive(file, index);
    this.#last = index;
    this.#isComplete = lastOfEntry;
    this.#offset = offset;
  }

  /** A key directory says what there is from `first` to `last`; 0: nothing. */
  passOver(file: string, first: number, last: number): void {
    if (first === 0) return;
    if (first > this.#last) this.#arrive(file, first);
    this.#pending = [];
    this.#last = Math.max(this.#last, last);
    this.#isComplete = true;
  }

  /** What lay up to `last` lies elsewhere; 0: nothing. */
  passTo(last: number): void {
    this.#giveUp(last === 0 ? undefined : last);
    this.#last = Math.max(this.#last, last);
    this.#isComplete = true;
  }

  /** Something is missing before `file`; unless the indexes go on there, it held records. */
  missing(file: string): void {
    if (this.#pending.length === 0) this.damaged(file, 0, 0, false);
  }

  /** Something is missing before `file`, and it may have held records. */
  unknown(file: string): void {
    if (this.#pending.length === 0) this.damaged(file, 0, 0, true);
  }

  /** Nothing comes any more. */
  end(): void {
    this.#giveUp(undefined);
  }

  #arrive(file: string, index: number): void {
    const expected = this.#isComplete ? this.#last + 1 : this.#last;
    const pending = this.#pending;
    this.#pending = [];
    if (index === expected) {
      for (const one of pending) if (one.mayHold) this.#say(one, expected, index);
      return;
    }
    if (index < expected) return;
    if (pending.length === 0) pending.push({ file, from: 0, to: 0, mayHold: true });
    for (const one of pending) this.#say(one, expected, one.mayHold ? index : index - 1);
  }

  /** Nobody will say how far it has reached. */
  #giveUp(last: number | undefined): void {
    const expected = this.#isComplete ? this.#last + 1 : this.#last;
    for (const one of this.#pending) this.#say(one, expected, last);
    this.#pending = [];
  }

  #say({ file, from, to }: Damaged, firstIndex: number, lastIndex: number | undefined): void {
    const loss = { file, offset: from, length: to - from, firstIndex, mayBeStale: true };
    this.#lose(lastIndex === undefined ? loss : { ...loss, lastIndex });
  }
}
