import type { LiveBytes } from '../compaction/live-bytes.js';
import type { HashSeed } from '../key-index/half-sip-hash.js';
import { type IndexMemory, plainMemory } from '../key-index/index-memory.js';
import type { SegmentSlots } from '../key-index/position.js';
import type { SegmentFiles } from '../log/segment-files.js';
import type { Lookup, LookupBinding } from '../native/lookup.js';
import { SegmentMaps } from './segment-maps.js';

/** What the addon does for one store: the lookup in C, the maps it reads through, its memory. */
export interface NativeIndex {
  readonly lookup: Lookup;
  readonly maps: SegmentMaps;
  /** Where `lookup` leaves more than one number. */
  readonly results: Uint32Array;
}

export function createNativeIndex(
  binding: LookupBinding,
  components: {
    readonly files: SegmentFiles;
    readonly slots: SegmentSlots;
    readonly live: LiveBytes;
  },
  options: { readonly seed: HashSeed; readonly segmentSize: number },
): NativeIndex {
  const results = new Uint32Array(2);
  const { low, high } = options.seed;
  const lookup = binding.createLookup(low, high, results, components.live.counts);
  const maps = new SegmentMaps({ ...components, lookup }, options.segmentSize);
  return { lookup, maps, results };
}

/** Slabs of the addon: aligned to cache lines, in large pages of the system where it has them. */
export function nativeMemory(binding: LookupBinding): IndexMemory {
  return {
    slab() {
      const slab = binding.slab();
      return slab === undefined ? plainMemory.slab() : new Uint32Array(slab);
    },
  };
}
