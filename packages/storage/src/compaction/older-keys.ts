import { compareEntry, entryAt, firstFrom } from '../directory/block-search.js';
import { type Block, DirectoryEntryView } from '../directory/directory-block.js';
import { DirectoryFile } from '../directory/directory-file.js';
import type { Vfs } from '../vfs/vfs.js';

/** A directory in which keys are looked up in their order: what lies between is not read. */
class Follower {
  readonly firstIndex: number;
  readonly #file: DirectoryFile;
  /** The first keys of the blocks; thousands of directories may be looked at side by side. */
  #fences: readonly Block[] | undefined;
  #number = -1;
  #block: Block | undefined;

  constructor(file: DirectoryFile) {
    this.#file = file;
    this.firstIndex = file.firstIndex;
  }

  /** The index of `key`, which is above all that were asked for; -1 if it is not there. */
  async indexOf(key: Uint8Array): Promise<number> {
    this.#fences ??= await this.#file.readFences();
    const number = this.#blockOf(key);
    if (number < 0) return -1;
    if (number !== this.#number) {
      this.#number = number;
      this.#block = await this.#file.readAt(number);
    }
    const block = this.#block!;
    const place = firstFrom(block, key, false);
    if (place === block.count || compareEntry(block, place, key) !== 0) return -1;
    const entry = new DirectoryEntryView(block.bytes);
    entry.moveTo(entryAt(block, place));
    return this.firstIndex + entry.relativeIndex;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** The only block that may hold `key`; -1: none does. */
  #blockOf(key: Uint8Array): number {
    const fences = this.#fences!;
    if (fences.length === 0) return this.#file.header.blocks - 1;
    let before = -1;
    for (const fence of fences) {
      const place = firstFrom(fence, key, true);
      before += place;
      if (place < fence.count) break;
    }
    return before;
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
      followers.push(
        new Follower(await DirectoryFile.open(this.#vfs, this.#directory, id, this.#others.length)),
      );
    }
    return followers;
  }
}
