import { isDleError } from '@dle/common';
import { allocate, copyOf } from '../bytes.js';
import {
  compareEntry,
  entryAt,
  firstFrom,
  firstKeyOf,
  trimmed,
} from '../directory/block-search.js';
import { BLOCK_BYTES, type Block, PLACE_BYTES, readBlock } from '../directory/directory-block.js';
import { DIRECTORY_HEADER_BYTES } from '../directory/directory-format.js';
import type { SegmentSlots } from '../key-index/position.js';
import type { SegmentFiles } from '../log/segment-files.js';
import type { SealedFile } from '../store/catalog.js';
import type { BlockCache } from './block-cache.js';
import { KeyBlock, type KeyBlocks } from './key-blocks.js';
import { reading, type Work } from './work.js';

/** Read at once, at most, where a directory is read from one end to the other. */
const MAX_AHEAD = 16;

export interface SealedBlocksComponents {
  /** The key directories. */
  readonly directories: SegmentFiles;
  readonly slots: SegmentSlots;
  readonly cache: BlockCache;
  /** The keys of a file whose directory is damaged, from the file itself. */
  readonly rebuild: (file: SealedFile, damage: Error) => Work<KeyBlocks>;
}

/**
 * The keys of a sealed file, from its key directory: every block is verified when it is read. Where
 * one is damaged, or cannot be read, the file itself is read instead, which says the same.
 */
export class SealedBlocks implements KeyBlocks {
  readonly file: SealedFile;
  readonly #components: SealedBlocksComponents;
  #rebuilt: KeyBlocks | undefined;
  #firstKey: Uint8Array | undefined;

  constructor(components: SealedBlocksComponents, file: SealedFile) {
    this.#components = components;
    this.file = file;
  }

  get count(): number {
    return this.file.header.blocks;
  }

  *load(number: number, last: number): Work<readonly KeyBlock[]> {
    if (this.#rebuilt !== undefined) return yield* this.#rebuilt.load(number, last);
    const cached = this.#components.cache.get(this.file.id, number);
    if (cached !== undefined) return [cached];
    try {
      return yield* this.#read(number, last);
    } catch (thrown) {
      return yield* (yield* this.#rebuild(thrown)).load(number, last);
    }
  }

  peek(number: number): KeyBlock | undefined {
    if (this.#rebuilt !== undefined) return this.#rebuilt.peek(number);
    return this.#components.cache.get(this.file.id, number);
  }

  findNow(key: Uint8Array): number {
    const { blocks, fences } = this.file.header;
    if (fences === 0) return 0;
    if (this.#rebuilt !== undefined) return this.#rebuilt.findNow(key);
    const { cache } = this.#components;
    let [low, high] = [blocks, blocks + fences];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const fence = cache.get(this.file.id, middle);
      if (fence === undefined) return -1;
      if (compareEntry(fence, 0, key) <= 0) low = middle;
      else high = middle;
    }
    const fence = cache.get(this.file.id, low);
    return fence === undefined ? -1 : blockBehind(fence, key);
  }

  *find(key: Uint8Array): Work<number> {
    const { blocks, fences } = this.file.header;
    if (fences === 0) return 0;
    if (this.#rebuilt !== undefined) return yield* this.#rebuilt.find(key);
    try {
      let [low, high] = [blocks, blocks + fences];
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        if (compareEntry(yield* this.#loadOne(middle), 0, key) <= 0) low = middle;
        else high = middle;
      }
      return blockBehind(yield* this.#loadOne(low), key);
    } catch (thrown) {
      return yield* (yield* this.#rebuild(thrown)).find(key);
    }
  }

  /** The lowest key. */
  *firstKey(): Work<Uint8Array> {
    if (this.#firstKey === undefined) {
      const [block] = yield* this.load(0, 0);
      this.#firstKey = copyOf(firstKeyOf(block!));
    }
    return this.#firstKey;
  }

  /** If it has been asked for before. */
  get firstKeyNow(): Uint8Array | undefined {
    return this.#firstKey;
  }

  *#loadOne(number: number): Work<KeyBlock> {
    const cached = this.#components.cache.get(this.file.id, number);
    return cached ?? (yield* this.#read(number, number))[0]!;
  }

  /** From the file: `number`, and some of those up to `last`. */
  *#read(number: number, last: number): Work<readonly KeyBlock[]> {
    const { cache, directories, slots } = this.#components;
    const { id, header } = this.file;
    const count = Math.min(Math.abs(last - number) + 1, MAX_AHEAD);
    const first = last < number ? number - count + 1 : number;
    const bytes = allocate(count * BLOCK_BYTES);
    const offset = DIRECTORY_HEADER_BYTES + first * BLOCK_BYTES;
    const found = yield* reading(() => directories.get(id), bytes, offset);
    const slot = slots.slotOf(id);
    const blocks: KeyBlock[] = [];
    for (let place = 0; place < count; place++) {
      const start = place * BLOCK_BYTES;
      const end = Math.min(start + BLOCK_BYTES, found);
      const origin = { name: directories.pathOf(id), offset: offset + start };
      const whole = readBlock(
        bytes.subarray(start, Math.max(start, end)),
        id,
        first + place,
        origin,
      );
      const block = new KeyBlock(spared(whole), slot, header.firstIndex);
      blocks.push(block);
      // What a scan passes by takes the place of nothing, and must not keep its neighbours.
      if (first + place === number) cache.add(id, number, count === 1 ? block : detached(block));
      else if (cache.hasRoomFor(block)) cache.add(id, first + place, detached(block));
    }
    return number === first ? blocks : blocks.reverse();
  }

  *#rebuild(thrown: unknown): Work<KeyBlocks> {
    if (!isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT', 'DLE_IO')) throw thrown;
    this.#rebuilt ??= yield* this.#components.rebuild(this.file, thrown);
    return this.#rebuilt;
  }
}

/** Number of the last block that begins with a key not above `key`, of those that `fence` names. */
function blockBehind(fence: KeyBlock, key: Uint8Array): number {
  const at = entryAt(fence, Math.max(0, firstFrom(fence, key, true) - 1));
  const { bytes } = fence;
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** The same block, or if it is half empty a smaller one. */
function spared(block: Block): Block {
  const { bytes, count, end } = block;
  const isSmall = end + count * PLACE_BYTES <= bytes.length / 2;
  return isSmall ? { bytes: trimmed(block), count, end } : block;
}

/** The same block in memory of its own. */
function detached(block: KeyBlock): KeyBlock {
  const { count, end, slot, firstIndex } = block;
  return new KeyBlock({ bytes: Uint8Array.from(block.bytes), count, end }, slot, firstIndex);
}
