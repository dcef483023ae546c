import type { BatchOperation } from '../../store/types.js';
import type { Dice } from './dice.js';
import type { Change } from './model.js';

const POPULATIONS = [1, 4, 12, 30, 30, 200];
const KINDS = ['seldom', 'by hand', 'by itself'] as const;
const CROWD = 3_000;
const LARGE_POPULATIONS = [30, 100, 200];
const LARGEST_KEY_BYTES = 4_096;

/** The keys and values of one run: few keys, so that they are overwritten and deleted often. */
export class Workload {
  readonly keys: readonly string[];
  /** As the store takes them. */
  readonly #bytes: ReadonlyMap<string, Buffer>;
  readonly #dice: Dice;
  #largestValue: number;
  readonly #deletePercent: number;
  /**
   * Whether all keys and values are of one length, and writes come one a turn: what is written
   * after a crash then ends where something begins that is left of what was written before it.
   */
  readonly uniform: boolean;
  /**
   * Whether there are so many keys that a compaction can be ended in the midst of it: it does many
   * at a time.
   */
  readonly isCrowded: boolean;
  /** Whether compaction is much of what happens; by itself it rewrites a part of the store. */
  readonly compacts: 'seldom' | 'by hand' | 'by itself';
  /** Whether backups are much of what happens. */
  readonly backsUp: boolean;
  #values = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
    this.#largestValue = dice.pick([40, 400, 4_000]);
    this.uniform = dice.chance(30);
    this.isCrowded = !this.uniform && dice.chance(3);
    if (this.isCrowded) this.#largestValue = 40;
    this.compacts = this.isCrowded ? 'by hand' : dice.pick(KINDS);
    this.#deletePercent = this.uniform ? 0 : dice.pick([0, 15, 40]);
    // What compacts by itself has hundreds of files: each would be read again and again.
    const isLarge = this.isCrowded || this.compacts === 'by itself';
    this.backsUp = dice.chance(isLarge ? 2 : 20);
    const populations = this.compacts === 'by itself' ? LARGE_POPULATIONS : POPULATIONS;
    const count = this.isCrowded ? CROWD : dice.pick(populations);
    this.keys = Array.from({ length: count }, (_, place) => this.#keyAt(place));
    this.#bytes = new Map(this.keys.map((key) => [key, Buffer.from(key, 'latin1')]));
  }

  key(): string {
    return this.#dice.pick(this.keys);
  }

  bytesOf(key: string): Buffer {
    return this.#bytes.get(key)!;
  }

  /** A put or a delete. `disguise`: bytes that look like something else, if there are any. */
  change(disguise: () => Uint8Array | undefined): Change {
    const key = this.key();
    if (this.#dice.chance(this.#deletePercent)) return { key, value: undefined };
    if (this.uniform) return { key, value: this.#value(this.#largestValue) };
    const disguised = this.#dice.chance(3) ? disguise() : undefined;
    const value = disguised ?? this.#value(this.#dice.magnitude(this.#largestValue) - 1);
    return { key, value };
  }

  /** Puts of all keys there are. */
  crowd(): Change[] {
    return this.keys.map((key) => ({ key, value: this.#value(8) }));
  }

  /** A put of so many bytes. */
  largeChange(length: number): Change {
    return { key: this.key(), value: this.#value(length) };
  }

  operationOf({ key, value }: Change): BatchOperation {
    const bytes = this.bytesOf(key);
    return value === undefined
      ? { type: 'del', key: bytes }
      : { type: 'put', key: bytes, value: value };
  }

  /** No two values are the same, unless they are very short. */
  #value(length: number): Uint8Array {
    return Buffer.alloc(length, `${++this.#values} `);
  }

  #keyAt(place: number): string {
    if (this.uniform) return `${place}`.padStart(8, '0');
    // The empty key, the longest, one of bytes that are no text, and others.
    if (place === 0) return '';
    if (place === 5) return 'k'.repeat(LARGEST_KEY_BYTES);
    if (place % 4 === 1) return `\xff\x00${place}`;
    return `key ${place}`;
  }
}
