#include "merged-scan.h"

/*
 * The records of a log lie in no order: each is a page of its own to the processor, and waiting for
 * memory was nearly all that a scan of them did. Prefetches do not help, for a processor may drop
 * one whose page it would have to look up (here all were dropped). Loads are not: of those that
 * follow close on each other many are under way at a time. So the records of a group are touched
 * first, and verified and copied when they are there. What is longer, processors see coming.
 */
enum { TOUCHED_GROUP = 32, TOUCHED_BYTES = 384, CACHE_LINE = 64 };

/* Deletes and old records take time as well: not too many of them are passed over at once. */
enum { MAX_STEPS = 4 * DLE_MERGED_ENTRIES };

size_t dle_merged_size(uint32_t sources) {
  return sizeof(dle_merged) + dle_key_merge_size(sources) + sources * sizeof(uint32_t);
}

void dle_merged_begin(dle_merged *scan, uint32_t sources, uint32_t flags) {
  scan->flags = flags;
  scan->sources = sources;
  dle_key_merge_begin(&scan->merge, scan->memory, sources, flags & DLE_MERGED_REVERSE);
  scan->seeking = (uint32_t *)((uint8_t *)scan->memory + dle_key_merge_size(sources));
  scan->seeking_count = 0;
  scan->unfilled_count = 0;
  scan->pending_count = 0;
  scan->stop = DLE_MERGED_MORE;
  scan->taken = 0;
}

/* Where the range begins in each of some blocks. */
enum { SEEK_GROUP = 16 };

/*
 * The first entry of each block that is not below the start (`above`: that is above it). The blocks
 * are searched side by side, a step in each of them at a time: what a step looks at is seldom in
 * the cache, and so the waits are shared.
 */
static void seek_together(const dle_merged *scan, const uint32_t *sources, uint32_t count,
                          int above, uint32_t *places) {
  const dle_key_cursor *cursors = scan->merge.cursors;
  uint32_t high[SEEK_GROUP], longest = 0;
  const uint8_t *entries[SEEK_GROUP];
  for (uint32_t at = 0; at < count; at++) {
    places[at] = 0;
    high[at] = cursors[sources[at]].count;
    if (high[at] > longest) longest = high[at];
  }
  for (; longest > 0; longest /= 2) {
    for (uint32_t at = 0; at < count; at++) {
      const dle_key_cursor *cursor = &cursors[sources[at]];
      uint32_t middle = (places[at] + high[at]) / 2;
      if (middle == cursor->count) middle--;
      entries[at] = dle_entry_at(cursor, middle);
      (void)*(const volatile uint8_t *)(entries[at] + ENTRY_KEY_LENGTH);
    }
    for (uint32_t at = 0; at < count; at++) {
      if (places[at] == high[at]) continue;
      uint32_t middle = (places[at] + high[at]) / 2;
      int order = compare_keys(entries[at] + ENTRY, key_length(entries[at]), scan->start,
                               scan->start_length);
      if (order < 0 || (above && order == 0)) places[at] = middle + 1;
      else high[at] = middle;
    }
  }
}

/* Has the sources that wait for it begin where the range does. */
static void seek(dle_merged *scan) {
  int reverse = scan->flags & DLE_MERGED_REVERSE;
  int above = !(scan->flags & DLE_MERGED_START_INCLUSIVE) == !reverse;
  for (uint32_t from = 0; from < scan->seeking_count; from += SEEK_GROUP) {
    uint32_t places[SEEK_GROUP], count = scan->seeking_count - from;
    if (count > SEEK_GROUP) count = SEEK_GROUP;
    seek_together(scan, scan->seeking + from, count, above, places);
    for (uint32_t at = 0; at < count; at++) {
      uint32_t source = scan->seeking[from + at];
      dle_key_cursor cursor = scan->merge.cursors[source];
      cursor.place = places[at] - (reverse ? 1 : 0);
      if (cursor.place < cursor.count) dle_key_merge_fill(&scan->merge, source, cursor);
      else scan->seeking[scan->unfilled_count++] = source;
    }
  }
  scan->seeking_count = 0;
}

/* Goes on to the next entry of the source at the top; 0 if it has none at hand. */
static int advance(dle_merged *scan) {
  uint32_t source = dle_key_merge_source(&scan->merge);
  scan->taken = 0;
  if (dle_key_merge_advance(&scan->merge)) return 1;
  scan->stop = (int32_t)source;
  return 0;
}

static int is_beyond_end(const dle_merged *scan, const uint8_t *key, size_t length) {
  if (!(scan->flags & DLE_MERGED_TO_END)) return 0;
  int order = compare_keys(key, length, scan->end, scan->end_length);
  if (order == 0) return !(scan->flags & DLE_MERGED_END_INCLUSIVE);
  return (order > 0) != (scan->flags & DLE_MERGED_REVERSE);
}

static const uint8_t *record_of(const dle_index *index, const dle_merged_entry *entry,
                                size_t *available) {
  if (entry->slot >= index->map_count || index->maps[entry->slot] == NULL) return NULL;
  const dle_map *map = index->maps[entry->slot];
  size_t offset = (size_t)read32(entry->entry) * OFFSET_STEP;
  if (offset >= map->size) return NULL;
  *available = map->size - offset;
  return map->base + offset;
}

/* What an entry takes of a page. */
static size_t shown_bytes(const dle_merged *scan, const uint8_t *entry) {
  size_t key = key_length(entry), value = value_length(entry);
  if (scan->flags & DLE_MERGED_KEYS) return key;
  return scan->flags & DLE_MERGED_VALUES ? value : key + value;
}

static void touch(const dle_index *index, const dle_merged_entry *entries, uint32_t count) {
  if (count > TOUCHED_GROUP) count = TOUCHED_GROUP;
  for (uint32_t at = 0; at < count; at++) {
    size_t available;
    const volatile uint8_t *record = record_of(index, &entries[at], &available);
    const uint8_t *entry = entries[at].entry;
    size_t bytes = record_bytes(key_length(entry), value_length(entry));
    if (record == NULL || bytes > available) continue;
    if (bytes > TOUCHED_BYTES) bytes = TOUCHED_BYTES;
    for (size_t line = 0; line < bytes; line += CACHE_LINE) (void)record[line];
    (void)record[bytes - 1];
  }
}

/* Takes the entry at the top, unless its key has been taken before. 0 at the end of the range. */
static int take(dle_merged *scan) {
  const dle_key_cursor *cursor = dle_key_merge_top(&scan->merge);
  scan->taken = 1;
  if (dle_key_merge_repeats(&scan->merge)) return 1;
  if (is_beyond_end(scan, cursor->entry + ENTRY, key_length(cursor->entry))) return 0;
  /* A delete that is the newest leaves nothing. */
  if (cursor->entry[ENTRY_KIND] != RECORD_PUT) return 1;
  dle_merged_entry *entry = &scan->pending[scan->pending_count++];
  entry->entry = cursor->entry;
  entry->index = cursor_index(cursor);
  entry->slot = cursor->slot;
  return 1;
}

/* The block in which the last key lies may be gone when the scan goes on. */
static void keep_last_key(dle_merged *scan) {
  dle_key_merge *merge = &scan->merge;
  if (merge->last == NULL || merge->last == scan->last_key) return;
  memcpy(scan->last_key, merge->last, merge->last_length);
  merge->last = scan->last_key;
}

dle_merged_page dle_merged_next(dle_merged *scan, uint32_t most) {
  dle_merged_page page = {0, 0};
  if (scan->seeking_count > 0) seek(scan);
  if (scan->unfilled_count > 0 && scan->stop == DLE_MERGED_MORE) {
    scan->stop = (int32_t)scan->seeking[--scan->unfilled_count];
  }
  if (most > DLE_MERGED_ENTRIES) most = DLE_MERGED_ENTRIES;
  size_t bytes = 0;
  for (uint32_t at = 0; at < scan->pending_count; at++) {
    bytes += shown_bytes(scan, scan->pending[at].entry);
  }
  for (int steps = 0; steps < MAX_STEPS && scan->stop == DLE_MERGED_MORE; steps++) {
    if (scan->pending_count >= most || bytes > DLE_MERGED_BYTES) break;
    if (scan->taken && !advance(scan)) break;
    uint32_t before = scan->pending_count;
    if (scan->merge.heap_size == 0 || !take(scan)) scan->stop = DLE_MERGED_DONE;
    if (scan->pending_count > before) bytes += shown_bytes(scan, scan->pending[before].entry);
  }
  keep_last_key(scan);
  while (page.entries < scan->pending_count && page.entries < most) {
    size_t more = shown_bytes(scan, scan->pending[page.entries].entry);
    if (page.entries > 0 && page.bytes + more > DLE_MERGED_BYTES) break;
    page.entries++;
    page.bytes += more;
  }
  return page;
}

/* The record of an entry, verified, if it is what that says; 0 if TypeScript has to look at it. */
static int read_entry(const dle_index *index, const dle_merged_entry *entry, dle_record *record) {
  size_t available;
  const uint8_t *at = record_of(index, entry, &available);
  if (at == NULL || !dle_read_header(at, available, record)) return 0;
  if (!dle_payload_is_intact(at, record)) return 0;
  return record_index(at) == entry->index &&
         record->value_length == value_length(entry->entry) &&
         record->key_length == key_length(entry->entry) &&
         memcmp(record->key, entry->entry + ENTRY, record->key_length) == 0;
}

uint32_t dle_merged_copy(dle_merged *scan, const dle_index *index, dle_merged_page page,
                         uint8_t *target, uint32_t *lengths) {
  const int reads = !(scan->flags & DLE_MERGED_KEYS);
  for (uint32_t at = 0; at < page.entries; at++) {
    if (reads && at % TOUCHED_GROUP == 0) touch(index, &scan->pending[at], page.entries - at);
    const dle_merged_entry *entry = &scan->pending[at];
    size_t key = key_length(entry->entry), value = 0;
    if (scan->flags & DLE_MERGED_KEYS) {
      memcpy(target, entry->entry + ENTRY, key);
    } else {
      dle_record record;
      if (!read_entry(index, entry, &record)) return at;
      value = record.value_length;
      if (scan->flags & DLE_MERGED_VALUES) key = 0;
      /* The key lies before the value. */
      memcpy(target, record.value - key, key + value);
    }
    target += key + value;
    lengths[2 * at] = (uint32_t)key;
    lengths[2 * at + 1] = (uint32_t)value;
  }
  return page.entries;
}

void dle_merged_drop(dle_merged *scan, uint32_t count) {
  scan->pending_count -= count;
  memmove(scan->pending, scan->pending + count, scan->pending_count * sizeof *scan->pending);
}
