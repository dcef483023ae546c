import type { BlockMerge } from '../directory/block-merge.js';
import { DirectoryFile } from '../directory/directory-file.js';
import { DisjointFiles } from '../directory/disjoint-files.js';
import { sortedName } from '../directory/sorted-segment.js';
import { offsetOf, slotOf } from '../key-index/position.js';
import { SegmentFiles } from '../log/segment-files.js';
import { nativeBinding } from '../native/native.js';
import type { Vfs } from '../vfs/vfs.js';
import type { CandidateBatch } from './candidate-batch.js';
import type { CompactionInput, CompactionOrder } from './compaction-order.js';
import { InputPieces } from './input-pieces.js';
import { type ExpectedRecord, InputRecords } from './input-records.js';
import { RecordGroup, type RecordSource } from './record-group.js';

interface Source {
  readonly id: number;
  readonly input: CompactionInput;
  readonly records: InputRecords;
}

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
  readonly #bySlot = new Map<number, Source>();
  readonly #records: InputRecords[] = [];
  /** `undefined` where there is no addon. */
  readonly group: RecordGroup | undefined;
  #keys = 0;
  readonly #pieces = new InputPieces();

  constructor(vfs: Vfs, { directory, inputs }: CompactionOrder) {
    this.#files = new SegmentFiles(vfs, directory);
    const binding = nativeBinding();
    this.group = binding && new RecordGroup(binding);
    const runs = runsOf(inputs);
    const fromLog = this.#recordsOf(false);
    for (const run of runs) {
      const isRun = run[0]!.kind === 'sorted';
      const records = isRun ? this.#recordsOf(true) : fromLog;
      for (const input of run) {
        const { id, slot } = input;
        if (isRun) this.#files.name(id, sortedName(id));
        this.#bySlot.set(slot, { id, records, input });
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

  /** Before all else. Throws `DLE_IO`. */
  async prepare(): Promise<void> {
    if (this.group === undefined) return;
    for (const { id, input } of this.#bySlot.values()) {
      const file = this.#files.get(id);
      if (input.kind === 'log' && file.descriptor !== undefined) await this.#pieces.load(id, file);
    }
  }

  /** Of the records that have been come across. */
  get keys(): number {
    return this.#keys;
  }

  get bytesRead(): number {
    return this.#records.reduce((sum, { bytesRead }) => sum + bytesRead, this.#pieces.bytesRead);
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

  /**
   * Reads records of a batch, in C, into `group`: how many. 0: the next one is to be read alone.
   */
  readGroup(batch: CandidateBatch, places: readonly number[], from: number): number {
    const { group } = this;
    if (group === undefined) return 0;
    return group.read(batch, places, from, this.#sourceOf);
  }

  /** The bytes of the record at `position`, good until the next call. */
  read(position: number, expected: ExpectedRecord): Uint8Array {
    const { id, records } = this.#bySlot.get(slotOf(position))!;
    return records.read(id, expected);
  }

  readonly #sourceOf = (position: number, bytes: number): RecordSource => {
    const { id, input } = this.#bySlot.get(slotOf(position))!;
    const file = this.#files.get(id);
    if (input.kind === 'log' || file.descriptor === undefined) return this.#pieces.ofLog(id, file);
    return this.#pieces.ofRun(input.run, file, offsetOf(position), bytes);
  };

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
