import type { BlockMerge } from '../directory/block-merge.js';
import { DirectoryFile } from '../directory/directory-file.js';
import { DisjointFiles } from '../directory/disjoint-files.js';
import { sortedName } from '../directory/sorted-segment.js';
import { slotOf } from '../key-index/position.js';
import { SegmentFiles } from '../log/segment-files.js';
import type { Vfs } from '../vfs/vfs.js';
import type { CompactionInput, CompactionOrder } from './compaction-order.js';
import { type ExpectedRecord, InputRecords } from './input-records.js';

/**
 * What a job reads: each segment of the log is a source of keys, and so are the files of a sorted
 * run together. However many files there are, few of them are open.
 */
export class JobInputs {
  /** No record has a lower index. */
  readonly firstIndex: number;
  /** Of the sources: of a record that several have, the first one's is in use. */
  readonly count: number;
  readonly #sources: readonly DisjointFiles<CompactionInput>[];
  readonly #files: SegmentFiles;
  readonly #bySlot = new Map<number, { readonly id: number; readonly records: InputRecords }>();
  readonly #records: InputRecords[] = [];
  #keys = 0;

  constructor(vfs: Vfs, { directory, inputs }: CompactionOrder) {
    this.#files = new SegmentFiles(vfs, directory);
    const runs = runsOf(inputs);
    const fromLog = this.#recordsOf(false);
    for (const run of runs) {
      const isRun = run[0]!.kind === 'sorted';
      const records = isRun ? this.#recordsOf(true) : fromLog;
      for (const { id, slot } of run) {
        if (isRun) this.#files.name(id, sortedName(id));
        this.#bySlot.set(slot, { id, records });
      }
    }
    const open = async ({ id }: CompactionInput): Promise<DirectoryFile> => {
      const file = await DirectoryFile.open(vfs, directory, id, runs.length);
      this.#keys += file.header.keys;
      return file;
    };
    this.firstIndex = inputs.reduce((least, input) => Math.min(least, input.firstIndex), Infinity);
    this.count = runs.length;
    this.#sources = runs.map((run) => new DisjointFiles(run, open));
  }

  /** Of the records that have been come across. */
  get keys(): number {
    return this.#keys;
  }

  get bytesRead(): number {
    return this.#records.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
  }

  /** Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`. */
  async fill(merge: BlockMerge, place: number): Promise<void> {
    const source = this.#sources[place]!;
    const block = await source.next();
    if (block === undefined) return;
    merge.fill(place, block, source.file.slot, source.firstIndex);
  }

  /** From which `fill` last said that the indexes of the block's entries are counted. */
  firstIndexOf(place: number): number {
    return this.#sources[place]!.firstIndex;
  }

  /** The bytes of the record at `position`, good until the next call. */
  read(position: number, expected: ExpectedRecord): Uint8Array {
    const { id, records } = this.#bySlot.get(slotOf(position))!;
    return records.read(id, expected);
  }

  #recordsOf(isRun: boolean): InputRecords {
    const records = new InputRecords(this.#files, isRun);
    this.#records.push(records);
    return records;
  }

  async close(): Promise<void> {
    for (const source of this.#sources) await source.close();
    await this.#files.close();
  }
}

/** The newest first; the files of each by rising ids, and so by rising keys. */
function runsOf(inputs: readonly CompactionInput[]): CompactionInput[][] {
  const runs = new Map<string, CompactionInput[]>();
  for (const input of [...inputs].sort((a, b) => a.id - b.id)) {
    const name = input.kind === 'sorted' ? `run ${input.run}` : `segment ${input.id}`;
    const files = runs.get(name);
    if (files === undefined) runs.set(name, [input]);
    else files.push(input);
  }
  return [...runs.values()].sort((a, b) => b[0]!.id - a[0]!.id);
}
