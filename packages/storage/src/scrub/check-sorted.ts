import { compareBytes } from '@dle/common';
import { copyOf } from '../bytes.js';
import { unlessUnknown, WholeRecords } from '../care/whole-records.js';
import type { DirectoryHeader } from '../directory/directory-format.js';
import { readSortedHeader, SORTED_HEADER_BYTES } from '../directory/sorted-segment.js';
import { ChunkReader, type ReadableFile } from '../log/chunk-reader.js';
import type { RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { FoundDamage } from './found-damage.js';
import { READ_BYTES } from './paced-file.js';

/**
 * Reads all records of a sorted segment, of which `known` is what its key directory said, and notes
 * every place that is damaged, with the keys between which it lies. Throws `DLE_IO`.
 */
export async function checkSorted(
  file: ReadableFile,
  known: DirectoryHeader,
  note: (damage: FoundDamage) => void,
): Promise<void> {
  const { path } = file;
  const reader = new ChunkReader(file, READ_BYTES);
  const records = new WholeRecords(reader, path);
  const noteAt = (offset: number, what: string, gt?: Uint8Array, lt?: Uint8Array): void => {
    const keys = { ...(gt && { gt }), ...(lt && { lt }) };
    note({
      kind: 'sorted',
      file: path,
      offset,
      message: `${path} at byte ${offset}: ${what}`,
      keys,
    });
  };
  const head = await reader.read(0, SORTED_HEADER_BYTES);
  const origin = { name: path, offset: 0 };
  const header = unlessUnknown(() => readSortedHeader(head, known.segment, origin));
  if (header?.storeId !== known.storeId) noteAt(0, 'no header of a sorted segment of this store');
  let last: Uint8Array | undefined;
  const suits = ({ kind, key, index }: RecordView): boolean => {
    const changesKey = kind === RecordKind.put || kind === RecordKind.delete;
    const isRising = last === undefined || compareBytes(last, key) < 0;
    return changesKey && index >= known.firstIndex && isRising;
  };
  let damaged: number | undefined;
  let isWhole = true;
  let count = 0;
  for (let offset = SORTED_HEADER_BYTES; offset < known.end; ) {
    const { record, end } = await records.at(offset, known.end);
    if (record !== undefined && suits(record)) {
      if (damaged !== undefined) noteAt(damaged, 'a record is damaged', last, copyOf(record.key));
      damaged = undefined;
      last = copyOf(record.key);
      count++;
      offset = end!;
      continue;
    }
    damaged ??= offset;
    isWhole = false;
    const isCut = record === undefined && end !== undefined;
    offset = isCut ? end : ((await records.next(offset + 8, known.end, suits)) ?? known.end);
  }
  if (damaged !== undefined) noteAt(damaged, 'a record is damaged', last);
  else if (isWhole && count < known.keys) noteAt(0, `${count} records, and not ${known.keys}`);
}
