import { compareEntry, entryAt, firstFrom } from '../directory/block-search.js';
import { DirectoryEntryView } from '../directory/directory-block.js';
import { type Position, positionOf } from '../key-index/position.js';
import type { RecordKind } from '../log/record-kinds.js';
import type { KeyBlocks } from './key-blocks.js';
import { together, type Wait, type Work } from './work.js';

/** What some keys say of one of them. */
export interface FoundEntry {
  readonly key: Uint8Array;
  readonly position: Position;
  readonly index: number;
  readonly kind: RecordKind;
}

/** Sources that are asked in one go: a millisecond or two. */
const ASKED_AT_ONCE = 256;

/** The newest record of `key` that any of `sources` knows. */
export function* lookUp(
  sources: readonly KeyBlocks[],
  key: Uint8Array,
  pause: Wait,
): Work<FoundEntry | undefined> {
  let newest: FoundEntry | undefined;
  for (let from = 0; from < sources.length; from += ASKED_AT_ONCE) {
    if (from > 0) yield pause;
    const some = sources.slice(from, from + ASKED_AT_ONCE);
    for (const found of yield* together(some.map((source) => lookIn(source, key)))) {
      if (found !== undefined && found.index > (newest?.index ?? 0)) newest = found;
    }
  }
  return newest;
}

function* lookIn(source: KeyBlocks, key: Uint8Array): Work<FoundEntry | undefined> {
  const number = yield* source.find(key);
  const [block] = yield* source.load(number, number);
  const place = firstFrom(block!, key, false);
  if (place === block!.count || compareEntry(block!, place, key) !== 0) return undefined;
  const entry = new DirectoryEntryView(block!.bytes);
  entry.moveTo(entryAt(block!, place));
  return {
    key,
    position: positionOf(block!.slot, entry.recordOffset),
    index: block!.firstIndex + entry.relativeIndex,
    kind: entry.kind,
  };
}
