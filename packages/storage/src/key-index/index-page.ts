import { assert } from '@dle/common';
import { OFFSET_BITS, type Position, SLOT_BITS } from './position.js';

/*
 * A page is a small hash table of its own: buckets of eight entries, a cache line each.
 *
 *   bucket   0        1        2              1023     1024    1030
 *          ├ ■■■■■■■■┼ ■■■□□□□□┼ ■■■■■□□□┤ … ┼ ■■■■■■■■┼ ■□… ┤ … ┼ □… ┤
 *
 * An entry lies in its home bucket, or, while that is full, in one of the seven behind it: hence
 * seven spare buckets at the end (with three, pages would have to be split when 70 % full, and not
 * nearly 80 %). Its distance from home is kept, so that it can be moved, and a
 * page be split, without looking at its key. An entry is eight bytes, in two words:
 *
 *   word 0   slot, low 5 bits │ offset / 8, 27 bits         0: free, for no record begins at 0
 *   word 1   tag, 18 bits │ distance, 3 bits │ slot, high 11 bits
 *
 * Of the hash the highest 18 bits are the tag, the lowest 10 the number of the home bucket.
 * `native/lookup.c` reads the same pages.
 */
export const TAG_BITS = 18;
const HOME_MASK = 1_023;
const BUCKETS = 1_024;
export const MAX_DISTANCE = 7;
const BUCKET_ENTRIES = 8;
export const BUCKET_WORDS: number = BUCKET_ENTRIES * 2;
const BUCKET_SHIFT = 4;
export const PAGE_WORDS: number = (BUCKETS + MAX_DISTANCE) * BUCKET_WORDS;

const LOW_SLOT_BITS = 32 - OFFSET_BITS;
const LOW_SLOT_MASK = (1 << LOW_SLOT_BITS) - 1;
const HIGH_SLOT_BITS = SLOT_BITS - LOW_SLOT_BITS;
const HIGH_SLOT_MASK = (1 << HIGH_SLOT_BITS) - 1;
const DISTANCE_BITS = 3;
const DISTANCE_MASK = 7;
const DISTANCE_FIELD = DISTANCE_MASK << HIGH_SLOT_BITS;
const OFFSETS = 2 ** OFFSET_BITS;

export function tagOf(hash: number): number {
  return hash >>> (32 - TAG_BITS);
}

export function homeOf(hash: number): number {
  return hash & HOME_MASK;
}

/** What the upper bits of word 1 must be for an entry with `tag`, `distance` buckets from home. */
export function signatureOf(tag: number, distance: number): number {
  return (tag << DISTANCE_BITS) | distance;
}

export function signatureIn(word1: number): number {
  return word1 >>> HIGH_SLOT_BITS;
}

function tagIn(word1: number): number {
  return word1 >>> (32 - TAG_BITS);
}

export function distanceIn(word1: number): number {
  return (word1 >>> HIGH_SLOT_BITS) & DISTANCE_MASK;
}

export function positionIn(word0: number, word1: number): Position {
  const slot = ((word1 & HIGH_SLOT_MASK) << LOW_SLOT_BITS) | (word0 >>> OFFSET_BITS);
  return slot * OFFSETS + (word0 & (OFFSETS - 1));
}

/** Puts `position` into the entry at `at`, which keeps its tag and distance. */
export function setPosition(words: Uint32Array, at: number, position: Position): void {
  const slot = Math.floor(position / OFFSETS);
  words[at] = ((slot & LOW_SLOT_MASK) << OFFSET_BITS) | (position % OFFSETS);
  words[at + 1] = (words[at + 1]! & ~HIGH_SLOT_MASK) | (slot >>> LOW_SLOT_BITS);
}

/** Adds an entry to the page at `page` of `words`; false, with nothing changed, without room. */
export function insert(
  words: Uint32Array,
  page: number,
  home: number,
  tag: number,
  position: Position,
): boolean {
  const bucket = page + home * BUCKET_WORDS;
  for (let distance = 0; distance <= MAX_DISTANCE; distance++) {
    const end = bucket + (distance + 1) * BUCKET_WORDS;
    for (let at = end - BUCKET_WORDS; at < end; at += 2) {
      if (words[at] !== 0) continue;
      words[at + 1] = signatureOf(tag, distance) << HIGH_SLOT_BITS;
      setPosition(words, at, position);
      return true;
    }
  }
  return false;
}

/**
 * Removes the entry at `at` of the page at `page`. Entries that have passed over its bucket while
 * it was full come back into the gap, so that looking for one may stop at a bucket with room.
 */
export function remove(words: Uint32Array, page: number, at: number): void {
  let bucket = at - ((at - page) % BUCKET_WORDS);
  let gap = at;
  for (;;) {
    const wasFull = words[bucket + BUCKET_WORDS - 2] !== 0;
    gap = closeGap(words, bucket, gap);
    if (!wasFull) return;
    const came = comingBack(words, page, bucket);
    if (came < 0) return;
    const distance = Math.floor((came - bucket) / BUCKET_WORDS);
    words[gap] = words[came]!;
    words[gap + 1] = words[came + 1]! - (distance << HIGH_SLOT_BITS);
    bucket += distance * BUCKET_WORDS;
    gap = came;
  }
}

/** Moves the last entry of `bucket` into the gap at `gap`; returns where it is free now. */
function closeGap(words: Uint32Array, bucket: number, gap: number): number {
  let last = gap;
  while (last + 2 < bucket + BUCKET_WORDS && words[last + 2] !== 0) last += 2;
  words[gap] = words[last]!;
  words[gap + 1] = words[last + 1]!;
  words[last] = 0;
  words[last + 1] = 0;
  return last;
}

/** An entry behind `bucket` that would rather lie there; -1 if there is none. */
function comingBack(words: Uint32Array, page: number, bucket: number): number {
  const end = page + PAGE_WORDS;
  for (let distance = 1; distance <= MAX_DISTANCE; distance++) {
    const start = bucket + distance * BUCKET_WORDS;
    if (start >= end) return -1;
    for (let at = start; at < start + BUCKET_WORDS && words[at] !== 0; at += 2) {
      if (distanceIn(words[at + 1]!) >= distance) return at;
    }
  }
  return -1;
}

/**
 * Parts the entries of the page at `page` of `words` by bit `bit` of their tags, counted from the
 * highest: those that have it go to the page at `twin` of `twinWords`, which is empty. Both have
 * room for what they get: buckets are gone through in order, and no entry ends up behind where it
 * was.
 */
export function split(
  words: Uint32Array,
  page: number,
  twinWords: Uint32Array,
  twin: number,
  bit: number,
): void {
  const entries = words.slice(page, page + PAGE_WORDS);
  words.fill(0, page, page + PAGE_WORDS);
  for (let at = 0; at < PAGE_WORDS; at += 2) {
    if (entries[at] === 0) continue;
    const word1 = entries[at + 1]!;
    const home = Math.floor(at / BUCKET_WORDS) - distanceIn(word1);
    const goes = ((tagIn(word1) >>> (TAG_BITS - 1 - bit)) & 1) === 1;
    const target = goes ? twinWords : words;
    let free = (goes ? twin : page) + home * BUCKET_WORDS;
    // Words as they are: taking positions apart and together again would take most of the time.
    const end = free + (MAX_DISTANCE + 1) * BUCKET_WORDS;
    while (free < end && target[free] !== 0) free += 2;
    assert(free < end, 'an entry of a page has no room in half of it');
    const distance = (free - (goes ? twin : page) - home * BUCKET_WORDS) >>> BUCKET_SHIFT;
    target[free] = entries[at]!;
    target[free + 1] = (word1 & ~DISTANCE_FIELD) | (distance << HIGH_SLOT_BITS);
  }
}
