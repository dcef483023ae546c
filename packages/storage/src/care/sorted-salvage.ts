import { join } from 'node:path';
import { compareBytes } from '@dle/common';
import { copyOf } from '../bytes.js';
import type { SortedEntry } from '../compaction/manifest.js';
import { readSortedHeader, SORTED_HEADER_BYTES, sortedName } from '../directory/sorted-segment.js';
import { ChunkReader } from '../log/chunk-reader.js';
import type { RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import type { Salvage } from './salvage.js';
import { SoundDirectory } from './sound-directory.js';
import { WholeRecords } from './whole-records.js';

/** A sorted segment that is to be saved, and what is known of it beside its file. */
export interface SortedPlace {
  readonly id: number;
  readonly hasFile: boolean;
  readonly hasDirectory: boolean;
  /** What the manifest says. */
  readonly entry: SortedEntry | undefined;
}

/** Takes what is whole of a sorted segment. */
export async function salvageSorted(
  vfs: Vfs,
  directory: string,
  salvage: Salvage,
  place: SortedPlace,
): Promise<void> {
  const { id, hasFile, hasDirectory, entry } = place;
  const path = join(directory, sortedName(id));
  const source = hasFile ? salvage.open(sortedName(id)) : undefined;
  const takeNamed = async (): Promise<boolean> => {
    const named = hasDirectory ? await SoundDirectory.open(vfs, directory, id) : undefined;
    if (named?.header.sorted !== true) return false;
    await salvage.takeNamed(named, path, source);
    return true;
  };
  if (source === undefined) {
    if (await takeNamed()) return;
    salvage.lose({ file: path, offset: 0, length: 0, mayBeStale: true });
    return;
  }
  const file = vfs.openSync(path, { readOnly: true });
  try {
    const walk = new SortedWalk(file, id, salvage, source);
    await walk.run(entry?.bytes);
    if (walk.lost.length === 0 || (await takeNamed())) return;
    for (const { from, to } of walk.lost) {
      salvage.lose({ file: path, offset: from, length: to - from, mayBeStale: true });
    }
  } finally {
    await file.close();
  }
}

class SortedWalk {
  readonly lost: { readonly from: number; readonly to: number }[] = [];
  readonly #reader: ChunkReader;
  readonly #records: WholeRecords;
  readonly #path: string;
  readonly #id: number;
  readonly #salvage: Salvage;
  readonly #source: number;
  #last: Uint8Array | undefined;

  constructor(file: VfsFile, id: number, salvage: Salvage, source: number) {
    this.#reader = new ChunkReader(file);
    this.#path = file.path;
    this.#records = new WholeRecords(this.#reader, file.path);
    this.#id = id;
    this.#salvage = salvage;
    this.#source = source;
  }

  /** `bytes`: of the file, as it should be. */
  async run(bytes: number | undefined): Promise<void> {
    const head = await this.#reader.read(0, SORTED_HEADER_BYTES);
    const header = readSortedHeader(head, this.#id, { name: this.#path, offset: 0 });
    const lowest = header?.firstIndex ?? 1;
    const to = Math.min(this.#reader.size, bytes ?? this.#reader.size);
    const suits = (record: RecordView): boolean => this.#suits(record, lowest);
    let count = 0;
    for (let offset = SORTED_HEADER_BYTES; offset < to; ) {
      const { record, end } = await this.#records.at(offset, to);
      if (record !== undefined && suits(record)) {
        this.#salvage.take(this.#source, record, offset);
        this.#last = copyOf(record.key);
        count++;
        offset = end!;
        continue;
      }
      const isCut = record === undefined && end !== undefined;
      const next = isCut ? end : ((await this.#records.next(offset + 8, to, suits)) ?? to);
      this.lost.push({ from: offset, to: next });
      offset = next;
    }
    const isShort = bytes !== undefined && this.#reader.size < bytes;
    const isFewer = header !== undefined && count < header.records && this.lost.length === 0;
    if (isShort || isFewer) this.lost.push({ from: to, to: Math.max(to, bytes ?? to) });
  }

  #suits({ kind, key, index, term }: RecordView, lowest: number): boolean {
    const changesKey = kind === RecordKind.put || kind === RecordKind.delete;
    const isRising = this.#last === undefined || compareBytes(this.#last, key) < 0;
    return changesKey && term === 0 && index >= lowest && isRising;
  }
}
