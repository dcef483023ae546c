import { compareBytes } from '@dle/common';
import {
  BLOCK_HEADER_BYTES,
  type Block,
  DirectoryEntryView,
} from '../directory/directory-block.js';
import { DirectoryFile } from '../directory/directory-file.js';
import type { Vfs } from '../vfs/vfs.js';

/** A directory that is read from front to back, as far as the keys that are asked for go. */
class Follower {
  readonly firstIndex: number;
  readonly #file: DirectoryFile;
  #block: Block | undefined;
  #entry: DirectoryEntryView | undefined;

  constructor(file: DirectoryFile) {
    this.#file = file;
    this.firstIndex = file.firstIndex;
  }

  /** The index of `key`, which is above all that were asked for; -1 if it is not there. */
  async indexOf(key: Uint8Array): Promise<number> {
    for (;;) {
      if (this.#entry === undefined && !(await this.#next())) return -1;
      const entry = this.#entry!;
      const order = compareBytes(entry.key, key);
      if (order > 0) return -1;
      if (order === 0) return this.firstIndex + entry.relativeIndex;
      if (entry.end < this.#block!.end) entry.moveTo(entry.end);
      else this.#entry = undefined;
    }
  }

  async #next(): Promise<boolean> {
    this.#block = await this.#file.next();
    if (this.#block === undefined) return false;
    this.#entry = new DirectoryEntryView(this.#block.bytes);
    this.#entry.moveTo(BLOCK_HEADER_BYTES);
    return true;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/**
 * Whether any of some files holds an older record of a key: then a delete of it must stay, or that
 * record would count again. Keys are asked for in their order.
 */
export class OlderKeys {
  readonly #vfs: Vfs;
  readonly #directory: string;
  readonly #others: readonly { readonly id: number; readonly firstIndex: number }[];
  #followers: Follower[] | undefined;

  constructor(
    vfs: Vfs,
    directory: string,
    others: readonly { readonly id: number; readonly firstIndex: number }[],
  ) {
    this.#vfs = vfs;
    this.#directory = directory;
    this.#others = others;
  }

  /** Whether there is a record of `key` whose index is lower. Throws `DLE_CORRUPT`, `DLE_IO`. */
  async holds(key: Uint8Array, index: number): Promise<boolean> {
    this.#followers ??= await this.#open();
    let found = false;
    for (const follower of this.#followers) {
      if (follower.firstIndex >= index) continue;
      const there = await follower.indexOf(key);
      if (there >= 0 && there < index) found = true;
    }
    return found;
  }

  async close(): Promise<void> {
    for (const follower of this.#followers ?? []) await follower.close();
  }

  async #open(): Promise<Follower[]> {
    const followers: Follower[] = [];
    this.#followers = followers;
    for (const { id } of this.#others) {
      followers.push(new Follower(await DirectoryFile.open(this.#vfs, this.#directory, id)));
    }
    return followers;
  }
}
