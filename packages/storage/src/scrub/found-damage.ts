import type { Damage } from '../directory/directories.js';
import { Listeners } from '../log/listeners.js';

/** Entries of the log, both included. */
export interface IndexRange {
  readonly first: number;
  readonly last: number;
}

/** Damage in a file that is in use. */
export interface FoundDamage extends Damage {
  /**
   * What is harmed: entries of the log; records that compaction has sorted; a key directory, which
   * is made again, and the manifest, which the next compaction writes anew: in those two nothing
   * is lost.
   */
  readonly kind: 'segment' | 'sorted' | 'directory' | 'manifest';
  /**
   * Of a segment: the entries that may be harmed; none, if the first is above the last. `undefined`
   * where that is not known.
   */
  readonly indexes?: IndexRange | undefined;
  /** Of sorted records: their keys lie between these two, if there are such. */
  readonly keys?: { readonly gt?: Uint8Array; readonly lt?: Uint8Array } | undefined;
}

/** More than that are counted, and not kept: such a disk is to be replaced. */
const MOST_KEPT = 1_000;

/** The damage that has been found in the files that a store has open, and who is told of it. */
export class DamageList {
  readonly #listeners = new Listeners<FoundDamage>();
  readonly #kept = new Map<string, FoundDamage>();
  #found = 0;

  /** What is known to be damaged now, in the order in which it was found. */
  get all(): readonly FoundDamage[] {
    return [...this.#kept.values()];
  }

  /** How often damage was found. */
  get found(): number {
    return this.#found;
  }

  /** Told of each place once. Returns a function that ends it. */
  onDamage(listener: (damage: FoundDamage) => void): () => void {
    return this.#listeners.add(listener);
  }

  note(damage: FoundDamage): void {
    const place = `${damage.file} ${damage.offset}`;
    if (this.#kept.has(place)) return;
    this.#found++;
    if (this.#kept.size < MOST_KEPT) this.#kept.set(place, damage);
    this.#listeners.tell(damage);
  }

  /** The file is gone, or there is another in its place. */
  forget(file: string): void {
    for (const [place, damage] of this.#kept) if (damage.file === file) this.#kept.delete(place);
  }
}
