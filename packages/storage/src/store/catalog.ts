import type { DirectoryHeader } from '../directory/directory-format.js';

/** A file of records to which nothing is added, and whose keys stand in a directory. */
export interface SealedFile {
  readonly id: number;
  /** A segment of the log, or one that compaction has written in the order of its keys. */
  readonly kind: 'log' | 'sorted';
  /** Sorted segments of one run have disjoint keys; 0: a segment of the log. */
  readonly run: number;
  readonly header: DirectoryHeader;
}

/** For as long as it is held, nothing that was in use when it was taken is unlinked. */
export interface Hold {
  /** The sealed files that were in use then, by rising ids. */
  readonly files: readonly SealedFile[];
  /** Idempotent. */
  release(): void;
}

interface Holder {
  /** Files with higher ids have been made since. */
  readonly lastId: number;
  /** Number of the change after which it was taken. */
  readonly change: number;
}

interface Retired {
  readonly file: SealedFile;
  /** Number of the change that has taken it out of use. */
  readonly change: number;
}

export interface CatalogComponents {
  /** The highest id that a file has been made with. */
  readonly lastId: () => number;
  /** Nobody needs the file any more: it can be unlinked. */
  readonly free: (file: SealedFile) => void;
}

/**
 * The sealed files of a store, and who still needs those that compaction has taken out of use. Who
 * holds it keeps what was there then, and none of what has come since: a snapshot that is held for
 * a day pins one generation of the store, not a day's worth of them.
 */
export class Catalog {
  readonly #components: CatalogComponents;
  readonly #holders = new Set<Holder>();
  #files: readonly SealedFile[] = [];
  #retired: readonly Retired[] = [];
  #changes = 0;

  constructor(components: CatalogComponents) {
    this.#components = components;
  }

  /** Those in use, by rising ids; another array after each change. */
  get files(): readonly SealedFile[] {
    return this.#files;
  }

  /** Bytes of the files that are out of use, and still held. */
  get pinnedBytes(): number {
    return this.#retired.reduce((sum, { file }) => sum + file.header.segmentBytes, 0);
  }

  hold(): Hold {
    const holder = { lastId: this.#components.lastId(), change: this.#changes };
    this.#holders.add(holder);
    return {
      files: this.#files,
      release: () => {
        if (this.#holders.delete(holder)) this.#freeUnheld();
      },
    };
  }

  /** `added` are in use from now on, `retired` no more. */
  change(added: readonly SealedFile[], retired: ReadonlySet<SealedFile> = new Set()): void {
    this.#changes++;
    const files =
      retired.size === 0 ? this.#files : this.#files.filter((file) => !retired.has(file));
    this.#files = merged(
      files,
      [...added].sort((a, b) => a.id - b.id),
    );
    const out = [...retired].map((file) => ({ file, change: this.#changes }));
    this.#retired = [...this.#retired, ...out];
    this.#freeUnheld();
  }

  #freeUnheld(): void {
    if (this.#retired.length === 0) return;
    const unheld = new Set(this.#retired.filter((retired) => !this.#isHeld(retired)));
    if (unheld.size === 0) return;
    this.#retired = this.#retired.filter((retired) => !unheld.has(retired));
    for (const { file } of unheld) this.#components.free(file);
  }

  #isHeld({ file, change }: Retired): boolean {
    for (const holder of this.#holders) {
      if (file.id <= holder.lastId && change > holder.change) return true;
    }
    return false;
  }
}

/** Both by rising ids: there may be thousands of files, and one more each moment. */
function merged(files: readonly SealedFile[], added: readonly SealedFile[]): SealedFile[] {
  const all: SealedFile[] = [];
  let next = 0;
  for (const file of files) {
    while (next < added.length && added[next]!.id < file.id) all.push(added[next++]!);
    all.push(file);
  }
  all.push(...added.slice(next));
  return all;
}
