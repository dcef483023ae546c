import type { Clock } from '@dle/common';
import { sortedName } from '../directory/sorted-segment.js';
import type { HashSeed } from '../key-index/half-sip-hash.js';
import type { KeyIndex } from '../key-index/key-index.js';
import { type SegmentSlots, slotOf } from '../key-index/position.js';
import type { Log } from '../log/log.js';
import type { SegmentFiles } from '../log/segment-files.js';
import type { Catalog } from '../store/catalog.js';
import type { Candidates, CompactionHost, CompactionOutput, Moves } from './compaction-order.js';
import type { LiveBytes } from './live-bytes.js';

/** Keys moved in one go: well below a millisecond. */
const MOVED_AT_ONCE = 2_048;

export interface RelocationComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly catalog: Catalog;
  readonly index: KeyIndex;
  readonly slots: SegmentSlots;
  readonly files: SegmentFiles;
  readonly live: LiveBytes;
}

/**
 * What the thread that serves does for a compaction job: it says which records count, and has the
 * index lead to where they lie now. A move is a compare-and-swap: who has written a key meanwhile
 * wins.
 */
export class Relocation {
  readonly live: LiveBytes;
  readonly #components: RelocationComponents;
  /** Begun by the job that is under way, not finished yet. */
  readonly #unfinished = new Set<number>();

  constructor(components: RelocationComponents) {
    this.#components = components;
    this.live = components.live;
  }

  get seed(): HashSeed {
    return this.#components.index.seed;
  }

  slotOf(segment: number): number {
    return this.#components.slots.slotOf(segment);
  }

  host(run: number, progress: (bytes: number) => void): Omit<CompactionHost, 'stopped'> {
    return {
      areLive: async (candidates) => this.#areLive(candidates),
      begin: async () => this.#begin(),
      finished: (output) => this.#finished(output, run),
      progress,
    };
  }

  /** A job has ended: what it has begun and not finished is no more. */
  releaseUnused(): void {
    const { slots, files, log } = this.#components;
    for (const id of this.#unfinished) {
      slots.free(id);
      void files.forget(id);
      log.space.adjust(-1, 0);
    }
    this.#unfinished.clear();
  }

  #areLive({ count, hashes, positions }: Candidates): Uint8Array {
    const { index } = this.#components;
    const flags = new Uint8Array(count);
    for (let at = 0; at < count; at++) {
      if (index.leadsTo(hashes[at]!, positions[at]!)) flags[at] = 1;
    }
    return flags;
  }

  #begin(): { id: number; slot: number } {
    const { log, files } = this.#components;
    const id = log.space.takeId();
    files.name(id, sortedName(id));
    log.space.adjust(1, 0);
    this.#unfinished.add(id);
    return { id, slot: this.slotOf(id) };
  }

  async #finished(output: CompactionOutput, run: number): Promise<void> {
    const { catalog, log } = this.#components;
    const { header, id, moves, tombstoneBytes } = output;
    this.#unfinished.delete(id);
    log.space.adjust(0, header.segmentBytes);
    this.live.addTombstone(this.slotOf(id), tombstoneBytes);
    catalog.change([{ id, kind: 'sorted', run, header }]);
    await this.#move(moves);
  }

  async #move({ count, hashes, from, to, lengths }: Moves): Promise<void> {
    const { index, clock } = this.#components;
    for (let start = 0; start < count; start += MOVED_AT_ONCE) {
      const end = Math.min(start + MOVED_AT_ONCE, count);
      for (let at = start; at < end; at++) {
        if (!index.move(hashes[at]!, from[at]!, to[at]!)) continue;
        this.live.subtract(slotOf(from[at]!), lengths[at]!);
        this.live.add(slotOf(to[at]!), lengths[at]!);
      }
      await new Promise<void>((resolve) => clock.defer(resolve));
    }
  }
}
