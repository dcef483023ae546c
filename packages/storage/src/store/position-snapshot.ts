import { DleError } from '@dle/common';
import { copyOf } from '../bytes.js';
import { corrupt } from '../errors.js';
import { RecordKind } from '../log/record-kinds.js';
import type { Hold } from './catalog.js';
import type { SegmentReader } from './segment-reader.js';
import type { KeySnapshot, Pair } from './types.js';

const NO_POSITIONS = new Float64Array(0);

/**
 * The keys as they were when it was made. Records never change and never move, so their positions
 * are all it holds: 8 bytes a key. It reads in the order in which they lie.
 */
export class PositionSnapshot implements KeySnapshot {
  readonly index: number;
  readonly size: number;
  readonly #reader: SegmentReader;
  readonly #hold: Hold;
  #positions: Float64Array;
  #next = 0;
  #closed = false;

  /** Takes `positions` over. */
  constructor(
    { reader, hold }: { readonly reader: SegmentReader; readonly hold: Hold },
    index: number,
    positions: Float64Array,
  ) {
    this.#reader = reader;
    this.#hold = hold;
    this.index = index;
    this.size = positions.length;
    this.#positions = positions.sort();
  }

  next(maxBytes: number): Pair[] {
    if (this.#closed) throw new DleError('DLE_CLOSED', 'the snapshot was closed');
    const pairs: Pair[] = [];
    let bytes = 0;
    while (this.#next < this.size && (bytes < maxBytes || pairs.length === 0)) {
      const position = this.#positions[this.#next]!;
      const record = this.#reader.readSync(position);
      if (record.kind !== RecordKind.put) {
        throw corrupt(this.#reader.originOf(position), 0, 'no put lies here');
      }
      pairs.push({ key: copyOf(record.key), value: copyOf(record.value) });
      bytes += record.keyLength + record.valueLength;
      this.#next++;
    }
    return pairs;
  }

  close(): void {
    this.#closed = true;
    this.#positions = NO_POSITIONS;
    this.#hold.release();
  }
}
