import type { EntryBatch } from './entry-batch.js';

/** Bytes of a segment, from the first record of a replaced entry to the end of another one. */
export interface Extent {
  readonly from: number;
  /** Not included; a frame ends there. */
  readonly to: number;
}

export interface DeadExtent extends Extent {
  readonly segment: number;
}

interface DeadOfSegment {
  /** Rising, apart from each other. */
  readonly extents: readonly Extent[];
  /** The newest frame that has replaced something there. */
  readonly replacedBy: number;
}

const NONE: readonly Extent[] = [];

/**
 * Where in the segments of a log replaced entries lie: nobody may take them in any more. A frame
 * that replaces entries from one on replaces all that lie from there to the tail of the log: one
 * extent in each of those segments.
 *
 *     segment 3                segment 4                 segment 5
 *     … 13  14 │ 15 16 17  │   18 19 20 │  15' 16' 17' … │
 *              └── dead ───┘   └─ dead ─┘  └ replacesFrom 15
 */
export class DeadExtents {
  readonly #segments = new Map<number, DeadOfSegment>();

  /** Those of a segment, rising. */
  of(segment: number): readonly Extent[] {
    return this.#segments.get(segment)?.extents ?? NONE;
  }

  /** Sequence of the newest frame that has replaced something in `segment`; 0: nothing was. */
  replacedBy(segment: number): number {
    return this.#segments.get(segment)?.replacedBy ?? 0;
  }

  /** The frame `sequence` has replaced what lies there. */
  add({ segment, from, to }: DeadExtent, sequence: number): void {
    const extents: Extent[] = [];
    let whole: Extent = { from, to };
    for (const extent of this.of(segment)) {
      if (extent.to < whole.from || extent.from > whole.to) extents.push(extent);
      else whole = { from: Math.min(extent.from, whole.from), to: Math.max(extent.to, whole.to) };
    }
    extents.push(whole);
    extents.sort((a, b) => a.from - b.from);
    const replacedBy = Math.max(this.replacedBy(segment), sequence);
    this.#segments.set(segment, { extents, replacedBy });
  }

  /** The segment is gone. */
  forget(segment: number): void {
    this.#segments.delete(segment);
  }

  /** All there are, by segments. */
  all(): DeadExtent[] {
    return [...this.#segments]
      .sort(([a], [b]) => a - b)
      .flatMap(([segment, { extents }]) => extents.map((extent) => ({ segment, ...extent })));
  }
}

/**
 * The entries of a frame that are not replaced, where its records begin at `offset` of their
 * segment; `undefined` if all are. A frame that is replaced in part is from some entry on.
 */
export function liveOf(
  batch: EntryBatch,
  offset: number,
  dead: readonly Extent[],
): EntryBatch | undefined {
  const end = offset + batch.bytes.length;
  const extent = dead.find(({ from, to }) => from < end && to > offset);
  if (extent === undefined) return batch;
  let { lastIndex } = batch;
  while (lastIndex >= batch.firstIndex && offset + batch.offsetAt(lastIndex) >= extent.from) {
    lastIndex--;
  }
  return lastIndex < batch.firstIndex ? undefined : batch.slice(batch.firstIndex, lastIndex);
}
