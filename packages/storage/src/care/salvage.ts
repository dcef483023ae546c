import type { Random } from '@dle/common';
import { isDleError } from '@dle/common';
import { copyOf } from '../bytes.js';
import { BLOCK_HEADER_BYTES, DirectoryEntryView } from '../directory/directory-block.js';
import { plainMemory } from '../key-index/index-memory.js';
import { drawSeed, KeyIndex } from '../key-index/key-index.js';
import {
  NO_POSITION,
  type Position,
  positionOf,
  SegmentSlots,
  slotOf,
} from '../key-index/position.js';
import { type RecordView, recordBytes } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import { SegmentFiles } from '../log/segment-files.js';
import { SegmentReader } from '../store/segment-reader.js';
import type { Vfs } from '../vfs/vfs.js';
import type { SoundDirectory } from './sound-directory.js';
import type { Loss, LostKey } from './types.js';

/** What is asked of a record. */
export type Whole = Pick<RecordView, 'kind' | 'key' | 'index'>;

/** Of what lies in one piece, if no more than the head of a frame lies between. */
const MOST_BETWEEN = 128;

/** A record that a key directory names, and that is not there. */
interface Missing extends LostKey {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  /** Where it would lie; `NO_POSITION`: the file is gone. */
  readonly position: Position;
}

/**
 * What is whole of a damaged store: of each key the newest record, found by an index off the heap,
 * and what is known to be lost.
 */
export class Salvage {
  readonly #slots = new SegmentSlots();
  readonly #files: SegmentFiles;
  readonly #reader: SegmentReader;
  readonly #index: KeyIndex;
  /** Deletes that a key directory tells of, and whose records are damaged: of which index. */
  readonly #deletes = new Map<string, number>();
  #missing: Missing[] = [];
  readonly #losses: Loss[] = [];
  #sources = 0;

  constructor({ vfs, random }: { readonly vfs: Vfs; readonly random: Random }, directory: string) {
    this.#files = new SegmentFiles(vfs, directory);
    this.#reader = new SegmentReader(this.#files, this.#slots);
    const keys = {
      holds: (position: Position, key: Uint8Array) => this.#reader.holds(position, key),
    };
    this.#index = new KeyIndex({ keys, memory: plainMemory, seed: drawSeed(random) });
  }

  /** Records of the file `name` come; returns its number. */
  open(name: string): number {
    const source = ++this.#sources;
    this.#files.name(source, name);
    return source;
  }

  /** A whole record, at `offset` of a file. */
  take(source: number, record: Whole, offset: number): void {
    const { kind, key, index } = record;
    if (kind !== RecordKind.put && kind !== RecordKind.delete) return;
    const position = positionOf(this.#slots.slotOf(source), offset);
    const known = this.#index.find(key);
    if (known === NO_POSITION) this.#index.add(key, position);
    else {
      const { index: knownIndex } = this.#reader.readSync(known);
      const isNewer = knownIndex < index || (knownIndex === index && follows(position, known));
      if (isNewer) this.#index.set(key, position);
    }
  }

  /** Whatever has been lost there, nobody knows. */
  lose(loss: Loss): void {
    this.#losses.push(loss);
  }

  /** Takes what a directory names. `source`: the file, if there is one. */
  async takeNamed(
    directory: SoundDirectory,
    file: string,
    source: number | undefined,
  ): Promise<void> {
    for await (const block of directory.blocks()) {
      const entry = new DirectoryEntryView(block.bytes);
      for (let at = BLOCK_HEADER_BYTES; at < block.end; at = entry.end) {
        entry.moveTo(at);
        const index = directory.header.firstIndex + entry.relativeIndex;
        const record = source === undefined ? undefined : this.#wholeAt(source, entry, index);
        if (record !== undefined) this.take(source!, record, entry.recordOffset);
        else if (entry.kind === RecordKind.delete) this.#noteDelete(entry.key, index);
        else this.#missing.push(this.#missed({ file, source }, entry, index));
      }
    }
  }

  /** The record that `entry` names; `undefined` if it is not there. */
  #wholeAt(source: number, entry: DirectoryEntryView, index: number): Whole | undefined {
    const position = positionOf(this.#slots.slotOf(source), entry.recordOffset);
    try {
      const found = this.#reader.readSync(position);
      const { key, kind } = found;
      const isIt = found.index === index && kind === entry.kind;
      if (!isIt || Buffer.compare(key, entry.key) !== 0) return undefined;
      // It is held against others, which are read into the same memory.
      return { key: copyOf(key), kind, index };
    } catch (thrown) {
      if (isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')) return undefined;
      throw thrown;
    }
  }

  #noteDelete(key: Uint8Array, index: number): void {
    const text = textOf(key);
    this.#deletes.set(text, Math.max(index, this.#deletes.get(text) ?? 0));
  }

  /** The newest values, by where they lie. Each is good until the next is asked for. */
  *values(): Generator<RecordView, void> {
    for (const position of this.#index.positions().sort()) {
      const record = this.#reader.readSync(position);
      if (record.kind === RecordKind.put && !this.#isDeleted(record)) yield record;
    }
  }

  #isDeleted({ key, index }: RecordView): boolean {
    return this.#deletes.size > 0 && (this.#deletes.get(textOf(key)) ?? 0) >= index;
  }

  /** What is lost, when everything has been taken. */
  losses(): Loss[] {
    const found = [...this.#losses];
    let group: Missing[] = [];
    let isStale = false;
    const finish = (): void => {
      if (group.length > 0) found.push(lossOf(group, isStale));
      group = [];
      isStale = false;
    };
    // A newer one of the same key has been saved: it is not missed.
    const missed = this.#missing.filter((one) => !this.#isSaved(one));
    missed.sort((a, b) => (a.file === b.file ? a.offset - b.offset : a.file < b.file ? -1 : 1));
    for (const one of missed) {
      const last = group.at(-1);
      const follows =
        last?.file === one.file && one.offset - last.offset - last.length <= MOST_BETWEEN;
      if (!follows) finish();
      group.push(one);
      isStale ||= this.#newestOf(one.key).isShown;
    }
    finish();
    return found;
  }

  /** Whether the record, or a newer one of its key, is there. */
  #isSaved({ key, index, position }: Missing): boolean {
    const newest = this.#newestOf(key);
    if (newest.index !== index) return newest.index > index;
    return position === NO_POSITION || !follows(position, newest.position);
  }

  async close(): Promise<void> {
    await this.#files.close();
  }

  /** Index 0: nothing is known of the key. */
  #newestOf(key: Uint8Array): {
    readonly index: number;
    readonly isShown: boolean;
    readonly position: Position;
  } {
    const deleted = this.#deletes.get(textOf(key)) ?? 0;
    const position = this.#index.find(key);
    const index = position === NO_POSITION ? 0 : this.#reader.readSync(position).index;
    if (deleted >= index) return { index: deleted, isShown: false, position: NO_POSITION };
    const { kind } = this.#reader.readSync(position);
    return { index, isShown: kind === RecordKind.put, position };
  }

  /** The record that `entry` names, and that is not there. */
  #missed(
    { file, source }: { readonly file: string; readonly source: number | undefined },
    entry: DirectoryEntryView,
    index: number,
  ): Missing {
    const { recordOffset: offset, valueLength, key } = entry;
    const length = recordBytes(key.length, valueLength);
    const position =
      source === undefined ? NO_POSITION : positionOf(this.#slots.slotOf(source), offset);
    return { file, offset, length, key: copyOf(key), index, position };
  }
}

/** Whether one lies behind the other in the same file: an entry may change a key more than once. */
function follows(position: Position, before: Position): boolean {
  return before !== NO_POSITION && slotOf(position) === slotOf(before) && position > before;
}

function lossOf(group: readonly Missing[], mayBeStale: boolean): Loss {
  const [first, last] = [group[0]!, group.at(-1)!];
  let [firstIndex, lastIndex] = [first.index, first.index];
  for (const { index } of group) {
    firstIndex = Math.min(firstIndex, index);
    lastIndex = Math.max(lastIndex, index);
  }
  return {
    file: first.file,
    offset: first.offset,
    length: last.offset + last.length - first.offset,
    keys: group.map(({ key, index }) => ({ key, index })),
    firstIndex,
    lastIndex,
    mayBeStale,
  };
}

/** One character a byte: keys need not be text. */
function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
