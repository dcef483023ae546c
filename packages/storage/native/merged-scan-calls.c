/* A merged scan as JavaScript has it: src/ordered/merged-scan.ts. */
#include "lookup.h"
#include "merged-scan.h"

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

/* What limits a scan; 0 with an error thrown. */
static int bound_of(napi_env env, napi_value value, const uint8_t **bytes, size_t *length) {
  napi_valuetype type;
  uint8_t *start = NULL;
  *length = 0;
  if (napi_typeof(env, value, &type) != napi_ok) return 0;
  if (type != napi_undefined && !dle_bytes_of(env, value, &start, length)) return 0;
  *bytes = start;
  return 1;
}

/*
 * beginMergedScan(memory, sources, flags, start, end): the caller keeps the last two as long as the
 * scan.
 */
napi_value dle_begin_merged_scan(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  size_t length;
  uint32_t sources, flags;
  if (dle_begin(env, info, 5, arguments) == NULL) return NULL;
  dle_merged *scan = scan_of(env, arguments[0], &length);
  if (scan == NULL || !dle_number_of(env, arguments[1], &sources)) return NULL;
  if (!dle_number_of(env, arguments[2], &flags)) return NULL;
  if (length < dle_merged_size(sources)) {
    napi_throw_range_error(env, NULL, "too little memory for a scan");
    return NULL;
  }
  dle_merged_begin(scan, sources, flags);
  if (!bound_of(env, arguments[3], &scan->start, &scan->start_length)) return NULL;
  bound_of(env, arguments[4], &scan->end, &scan->end_length);
  return NULL;
}

/*
 * fillMergedScan(memory, source, block, count, place, slot, firstIndex): goes on with the entry
 * `place`, or if that is -1 where the range begins, of the `count` of a verified block, which the
 * caller keeps until the next.
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
  uint32_t filled = scan->merge.heap_size + scan->seeking_count;
  int is_ready = scan->pending_count == 0 && filled < scan->sources && source < scan->sources;
  int is_seeking = cursor.place == UINT32_MAX && scan->flags & DLE_MERGED_FROM_START;
  int is_place = cursor.place < cursor.count || (cursor.place == UINT32_MAX && cursor.count > 0);
  if (!is_ready || !is_place || cursor.count > length / 2) {
    napi_throw_range_error(env, NULL, "no such source, or no entries");
    return NULL;
  }
  cursor.block = block;
  cursor.places = block + length - 2 * (size_t)cursor.count;
  cursor.first_index = (uint64_t)first_index;
  if (is_seeking) {
    scan->merge.cursors[source] = cursor;
    scan->seeking[scan->seeking_count++] = source;
    return NULL;
  }
  if (cursor.place == UINT32_MAX) {
    cursor.place = scan->flags & DLE_MERGED_REVERSE ? cursor.count - 1 : 0;
  }
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
