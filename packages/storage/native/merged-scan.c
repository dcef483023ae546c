#include "merged-scan.h"

#include "lookup.h"

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
  return sizeof(dle_merged) + dle_key_merge_size(sources);
}

void dle_merged_begin(dle_merged *scan, uint32_t sources, uint32_t flags, const uint8_t *end,
                      size_t end_length) {
  scan->end = end;
  scan->end_length = end_length;
  scan->flags = flags;
  scan->sources = sources;
  dle_key_merge_begin(&scan->merge, scan->memory, sources, flags & DLE_MERGED_REVERSE);
  scan->pending_count = 0;
  scan->stop = DLE_MERGED_MORE;
  scan->taken = 0;
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

/* The scan that lies in an array of JavaScript; NULL with an error thrown. */
static dle_merged *scan_of(napi_env env, napi_value value, size_t *length) {
  uint8_t *bytes;
  if (!dle_bytes_of(env, value, &bytes, length)) return NULL;
  dle_merged *scan = (dle_merged *)bytes;
  if (*length >= sizeof *scan && (uintptr_t)bytes % _Alignof(dle_merged) == 0) return scan;
  napi_throw_range_error(env, NULL, "not the memory of a scan");
  return NULL;
}

/* mergedScanBytes(sources): the memory that a scan takes. */
napi_value dle_merged_scan_bytes(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  uint32_t sources;
  if (dle_begin(env, info, 1, arguments) == NULL) return NULL;
  if (!dle_number_of(env, arguments[0], &sources)) return NULL;
  return dle_integer(env, (int32_t)dle_merged_size(sources));
}

/* beginMergedScan(memory, sources, flags, end): the caller keeps `end` as long as the scan. */
napi_value dle_begin_merged_scan(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  size_t length, end_length = 0;
  uint32_t sources, flags;
  uint8_t *end = NULL;
  if (dle_begin(env, info, 4, arguments) == NULL) return NULL;
  dle_merged *scan = scan_of(env, arguments[0], &length);
  if (scan == NULL || !dle_number_of(env, arguments[1], &sources)) return NULL;
  if (!dle_number_of(env, arguments[2], &flags)) return NULL;
  if (flags & DLE_MERGED_TO_END && !dle_bytes_of(env, arguments[3], &end, &end_length)) return NULL;
  if (length < dle_merged_size(sources)) {
    napi_throw_range_error(env, NULL, "too little memory for a scan");
    return NULL;
  }
  dle_merged_begin(scan, sources, flags, end, end_length);
  return NULL;
}

/*
 * fillMergedScan(memory, source, block, count, place, slot, firstIndex): goes on with the entry
 * `place` of the `count` of a verified block, which the caller keeps until the next.
 */
napi_value dle_fill_merged_scan(napi_env env, napi_callback_info info) {
  napi_value arguments[7];
  size_t memory, length;
  uint32_t source;
  uint8_t *block;
  double first_index;
  dle_key_cursor cursor;
  if (dle_begin(env, info, 7, arguments) == NULL) return NULL;
  dle_merged *scan = scan_of(env, arguments[0], &memory);
  if (scan == NULL || !dle_number_of(env, arguments[1], &source)) return NULL;
  if (!dle_bytes_of(env, arguments[2], &block, &length)) return NULL;
  if (!dle_number_of(env, arguments[3], &cursor.count)) return NULL;
  if (!dle_number_of(env, arguments[4], &cursor.place)) return NULL;
  if (!dle_number_of(env, arguments[5], &cursor.slot)) return NULL;
  if (napi_get_value_double(env, arguments[6], &first_index) != napi_ok) return NULL;
  int is_ready = scan->pending_count == 0 && scan->merge.heap_size < scan->sources &&
                 source < scan->sources;
  if (!is_ready || cursor.place >= cursor.count || cursor.count > length / 2) {
    napi_throw_range_error(env, NULL, "no such source, or no entries");
    return NULL;
  }
  cursor.block = block;
  cursor.places = block + length - 2 * (size_t)cursor.count;
  cursor.first_index = (uint64_t)first_index;
  dle_key_merge_fill(&scan->merge, source, cursor);
  return NULL;
}

/* Where in `page` of runMergedScan its numbers are; the lengths follow. */
enum { PAGE_ENTRIES, PAGE_STOP, PAGE_SLOT, PAGE_OFFSET, PAGE_INDEX, PAGE_LENGTHS = 6 };

/* The entry that TypeScript has to look at: its key is returned. */
static napi_value ask(napi_env env, const dle_merged_entry *entry, uint32_t *page) {
  napi_value buffer;
  void *key;
  page[PAGE_STOP] = (uint32_t)DLE_MERGED_ASK;
  page[PAGE_SLOT] = entry->slot;
  page[PAGE_OFFSET] = read32(entry->entry);
  page[PAGE_INDEX] = (uint32_t)entry->index;
  page[PAGE_INDEX + 1] = (uint32_t)(entry->index >> 32);
  size_t length = key_length(entry->entry);
  if (napi_create_arraybuffer(env, length, &key, &buffer) != napi_ok) return NULL;
  memcpy(key, entry->entry + ENTRY, length);
  return buffer;
}

/*
 * runMergedScan(memory, most, page, skip): a buffer with up to `most` keys and values, or undefined
 * if there are none now; `skip`: TypeScript has read the one that was asked for. `page` says how
 * many, what it has stopped for, and how long they are.
 */
napi_value dle_run_merged_scan(napi_env env, napi_callback_info info) {
  napi_value arguments[4], buffer;
  dle_lookup *self = dle_begin(env, info, 4, arguments);
  size_t memory, page_words;
  uint32_t most;
  uint8_t *page_start;
  bool skip;
  void *target;
  if (self == NULL) return NULL;
  dle_merged *scan = scan_of(env, arguments[0], &memory);
  if (scan == NULL || !dle_number_of(env, arguments[1], &most)) return NULL;
  if (!dle_bytes_of(env, arguments[2], &page_start, &page_words)) return NULL;
  if (napi_get_value_bool(env, arguments[3], &skip) != napi_ok) return NULL;
  uint32_t *page = (uint32_t *)page_start;
  if (page_words < PAGE_LENGTHS + 2 * DLE_MERGED_ENTRIES) {
    napi_throw_range_error(env, NULL, "too short a page");
    return NULL;
  }
  const dle_index *index = &self->index;
  if (skip && scan->pending_count > 0) dle_merged_drop(scan, 1);
  dle_merged_page next = dle_merged_next(scan, most);
  page[PAGE_ENTRIES] = 0;
  page[PAGE_STOP] = (uint32_t)DLE_MERGED_MORE;
  if (next.entries == 0) {
    if (scan->pending_count > 0) return NULL;
    page[PAGE_STOP] = (uint32_t)scan->stop;
    if (scan->stop >= 0) scan->stop = DLE_MERGED_MORE;
    return NULL;
  }
  if (napi_create_arraybuffer(env, next.bytes, &target, &buffer) != napi_ok) return NULL;
  uint32_t shown = dle_merged_copy(scan, index, next, target, page + PAGE_LENGTHS);
  if (shown == 0) return ask(env, &scan->pending[0], page);
  dle_merged_drop(scan, shown);
  page[PAGE_ENTRIES] = shown;
  if (scan->pending_count > 0) return buffer;
  page[PAGE_STOP] = (uint32_t)scan->stop;
  if (scan->stop >= 0) scan->stop = DLE_MERGED_MORE;
  return buffer;
}
