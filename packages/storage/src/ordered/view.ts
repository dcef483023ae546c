import type { Hold } from '../store/catalog.js';
import type { KeyBlocks } from './key-blocks.js';
import type { Mark, UnlistedFile } from './unlisted-file.js';
import type { Work } from './work.js';

/** Where the keys of a view are; views between which nothing was written share it. */
export class ViewSources {
  /** Of the sealed files. */
  readonly sealed: readonly KeyBlocks[];
  /** Files without key directories, and how far into them it reaches. */
  readonly unlisted: readonly { readonly file: UnlistedFile; readonly mark: Mark }[];
  #all: readonly KeyBlocks[] | undefined;

  constructor(
    sealed: readonly KeyBlocks[],
    unlisted: readonly { readonly file: UnlistedFile; readonly mark: Mark }[],
  ) {
    this.sealed = sealed;
    this.unlisted = unlisted;
  }

  /** Whether the other one has just the same. */
  isSame({ sealed, unlisted }: ViewSources): boolean {
    if (sealed !== this.sealed || unlisted.length !== this.unlisted.length) return false;
    return unlisted.every(({ mark }, place) => mark === this.unlisted[place]!.mark);
  }

  /** All of them. Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`. */
  *all(): Work<readonly KeyBlocks[]> {
    if (this.#all !== undefined) return this.#all;
    const all = [...this.sealed];
    for (const { file, mark } of this.unlisted) all.push(...(yield* file.runsOf(mark)));
    this.#all = all;
    return all;
  }
}

/** The store as it was when it was taken. Held by whoever reads from it. */
export class View {
  /** Of the last entry that it reflects. */
  readonly index: number;
  readonly sources: ViewSources;
  readonly #hold: Hold;
  readonly #onReleased: (view: View) => void;
  #users = 1;

  constructor(index: number, sources: ViewSources, hold: Hold, onReleased: (view: View) => void) {
    this.index = index;
    this.sources = sources;
    this.#hold = hold;
    this.#onReleased = onReleased;
  }

  /** For one more, who releases it as well. */
  retain(): View {
    this.#users++;
    return this;
  }

  release(): void {
    if (this.#users === 0 || --this.#users > 0) return;
    this.#free();
  }

  /** Whoever holds it: there is nothing more to be read. */
  end(): void {
    if (this.#users === 0) return;
    this.#users = 0;
    this.#free();
  }

  #free(): void {
    this.#hold.release();
    for (const { file, mark } of this.sources.unlisted) file.release(mark);
    this.#onReleased(this);
  }
}
