import type { AppliedEnd } from '../store/keyspace.js';
import { type Mark, type UnlistedComponents, UnlistedFile } from './unlisted-file.js';

/** A file of records that was there when the store was opened, and had no key directory. */
export interface Unlisted {
  readonly id: number;
  readonly sorted: boolean;
  /** Where its records end. */
  readonly end: number;
}

/** What of the log has been applied. */
export interface AppliedLog {
  /** Where the last record ends that was applied. */
  readonly end: AppliedEnd;
  /** The segments that were left since it was last asked, and where they end. */
  takeLeft(): readonly AppliedEnd[];
}

/**
 * The files of records that the catalog does not have: the segment that is being written, and those
 * whose key directories are yet to be made.
 */
export class UnlistedFiles {
  readonly #components: UnlistedComponents;
  readonly #log: AppliedLog;
  /** Those to which nothing is added, by ids. */
  readonly #ended = new Map<number, { readonly file: UnlistedFile; readonly end: number }>();
  #active: UnlistedFile | undefined;
  /** Segments that the catalog has got before the log was known to have left them. */
  readonly #listedEarly = new Set<number>();

  constructor(components: UnlistedComponents, log: AppliedLog, present: readonly Unlisted[]) {
    this.#components = components;
    this.#log = log;
    for (const { id, sorted, end } of present) {
      this.#ended.set(id, { file: new UnlistedFile(components, id, sorted), end });
    }
  }

  /** All of them, as far as they have been applied. To be released. */
  marks(): { file: UnlistedFile; mark: Mark }[] {
    this.#follow();
    const marks = Array.from(this.#ended.values(), ({ file, end }) => {
      return { file, mark: file.mark(end) };
    });
    const { segment, offset } = this.#log.end;
    if (segment === 0 || this.#listedEarly.has(segment)) return marks;
    const file = this.#activeOf(segment);
    marks.push({ file, mark: file.mark(offset) });
    return marks;
  }

  /** The catalog has it from now on. */
  listed(id: number): void {
    this.#follow();
    if (this.#ended.delete(id)) return;
    if (id === this.#log.end.segment) this.#listedEarly.add(id);
  }

  #follow(): void {
    for (const { segment, offset } of this.#log.takeLeft()) {
      if (this.#listedEarly.delete(segment)) continue;
      this.#ended.set(segment, { file: this.#activeOf(segment), end: offset });
    }
  }

  #activeOf(segment: number): UnlistedFile {
    if (this.#active?.id !== segment) {
      this.#active = new UnlistedFile(this.#components, segment, false);
    }
    return this.#active;
  }
}
