import { join } from 'node:path';
import { compareBytes, EMPTY_BYTES } from '@dle/common';
import { copyOf } from '../bytes.js';
import { corrupt } from '../errors.js';
import { ChunkReader } from '../log/chunk-reader.js';
import { RECORD_HEADER_BYTES, RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { Vfs } from '../vfs/vfs.js';
import { collectKeys } from './collect-keys.js';
import type { Pause } from './directory-keys.js';
import type { SegmentContent } from './sealed-segment.js';
import {
  readSortedHeader,
  SORTED_HEADER_BYTES,
  sortedCheckpoint,
  sortedName,
} from './sorted-segment.js';

/** Records between two pauses. */
const RECORDS_AT_ONCE = 2_048;

/**
 * Reads all of a sorted segment, and verifies it: what a key directory says of it, for where that
 * is damaged. Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`.
 */
export async function readSortedSegment(
  vfs: Vfs,
  directory: string,
  id: number,
  pause: Pause,
): Promise<SegmentContent> {
  const path = join(directory, sortedName(id));
  const file = vfs.openSync(path, { readOnly: true });
  try {
    const reader = new ChunkReader(file);
    const origin = { name: path, offset: 0 };
    const header = readSortedHeader(await reader.read(0, SORTED_HEADER_BYTES), id, origin);
    if (header === undefined) throw corrupt(origin, 0, 'no sorted segment begins here');
    const keys = collectKeys();
    let lastIndex = 0;
    let records = 0;
    let last = EMPTY_BYTES;
    for (let offset = SORTED_HEADER_BYTES; offset < reader.size; records++) {
      const record = await readRecord(reader, path, offset);
      const isRising = records === 0 || compareBytes(last, record.key) < 0;
      if (!isRising || record.index < header.firstIndex) {
        throw corrupt({ name: path, offset }, 0, 'a record that does not belong here');
      }
      last = copyOf(record.key);
      keys.add(record, offset);
      lastIndex = Math.max(lastIndex, record.index);
      offset += record.end;
      if (records % RECORDS_AT_ONCE === 0) await pause();
    }
    if (records !== header.records) {
      throw corrupt(origin, reader.size, `${records} records, and not ${header.records}`);
    }
    await keys.sort(pause);
    const checkpoint = sortedCheckpoint(id, header.storeId, reader.size, lastIndex);
    const { firstIndex } = header;
    return { checkpoint, keys, firstIndex, records, sorted: true, flushed: 0 };
  } finally {
    await file.close();
  }
}

async function readRecord(reader: ChunkReader, path: string, offset: number): Promise<RecordView> {
  const origin = { name: path, offset };
  const head = new RecordView(await reader.read(offset, RECORD_HEADER_BYTES), origin);
  head.readHeader(0);
  if (head.kind !== RecordKind.put && head.kind !== RecordKind.delete) {
    throw corrupt(origin, 0, `a record of kind ${head.kind}`);
  }
  const record = new RecordView(await reader.read(offset, head.end), origin);
  record.read(0);
  return record;
}
