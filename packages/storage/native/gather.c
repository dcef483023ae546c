/* Verifying and sorting the records of a piece of a log: src/ordered/native-gathering.ts. */
#include <stdlib.h>
#include <string.h>

#include "lookup.h"
#include "run.h"

/* (bytes, from, to, starts: Uint32Array, count): see src/native/lookup.ts. */
napi_value dle_find_records(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  dle_lookup *self = dle_begin(env, info, 5, arguments);
  uint8_t *bytes, *starts_bytes;
  size_t length, room;
  uint32_t from, to, count;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &bytes, &length)) return NULL;
  if (!dle_number_of(env, arguments[1], &from)) return NULL;
  if (!dle_number_of(env, arguments[2], &to)) return NULL;
  if (!dle_bytes_of(env, arguments[3], &starts_bytes, &room)) return NULL;
  if (!dle_number_of(env, arguments[4], &count)) return NULL;
  uint32_t *starts = (uint32_t *)starts_bytes;
  if (to > length) to = from;
  while (from < to && count < room) {
    dle_record record;
    const uint8_t *at = bytes + from;
    if (!dle_read_header(at, to - from, &record) || !dle_payload_is_intact(at, &record)) break;
    starts[count++] = from;
    from += (uint32_t)record_bytes(record.key_length, record.value_length);
  }
  self->results[0] = count;
  return dle_integer(env, (int32_t)from);
}

/* A record, and how long its key is. */
typedef struct {
  uint32_t start;
  uint32_t length;
  /* The first bytes of the key that are not the same in all, so that few comparisons go further. */
  uint64_t head;
} sortable;

static const uint8_t *key_of(const uint8_t *bytes, const sortable *item) {
  return bytes + item->start + RECORD_HEADER;
}

static int compare_items(const uint8_t *bytes, const sortable *a, const sortable *b) {
  if (a->head != b->head) return a->head < b->head ? -1 : 1;
  return compare_keys(key_of(bytes, a), a->length, key_of(bytes, b), b->length);
}

/* A merge sort: it is stable, so that of two records of a key the later one stays the later. */
static void sort(const uint8_t *bytes, sortable *items, sortable *spare, uint32_t count) {
  if (count < 2) return;
  uint32_t middle = count / 2;
  sort(bytes, items, spare, middle);
  sort(bytes, items + middle, spare, count - middle);
  if (compare_items(bytes, &items[middle - 1], &items[middle]) <= 0) return;
  memcpy(spare, items, middle * sizeof *items);
  uint32_t left = 0, right = middle, at = 0;
  while (left < middle && right < count) {
    int takes_left = compare_items(bytes, &spare[left], &items[right]) <= 0;
    items[at++] = takes_left ? spare[left++] : items[right++];
  }
  while (left < middle) items[at++] = spare[left++];
}

/* Bytes with which all keys begin. */
static uint32_t common_length(const uint8_t *bytes, const sortable *items, uint32_t count) {
  uint32_t common = items[0].length;
  const uint8_t *first = key_of(bytes, &items[0]);
  for (uint32_t at = 1; at < count && common > 0; at++) {
    const uint8_t *key = key_of(bytes, &items[at]);
    uint32_t most = items[at].length < common ? items[at].length : common;
    for (common = 0; common < most && key[common] == first[common];) common++;
  }
  return common;
}

static void take_heads(const uint8_t *bytes, sortable *items, uint32_t count) {
  uint32_t common = common_length(bytes, items, count);
  for (uint32_t item = 0; item < count; item++) {
    const uint8_t *key = key_of(bytes, &items[item]);
    uint64_t head = 0;
    for (uint32_t at = common; at < common + 8; at++) {
      head = head << 8 | (at < items[item].length ? key[at] : 0);
    }
    items[item].head = head;
  }
}

/*
 * Sorts them by their heads: stable as well, a byte at a time from the last, but those that all of
 * them have in common. Several times as fast as comparing.
 */
static void sort_by_heads(sortable *items, sortable *spare, uint32_t count) {
  sortable *from = items, *to = spare;
  uint64_t different = 0;
  for (uint32_t at = 1; at < count; at++) different |= items[at].head ^ items[0].head;
  for (int shift = 0; shift < 64; shift += 8) {
    if ((different >> shift & 0xff) == 0) continue;
    uint32_t places[257] = {0};
    for (uint32_t at = 0; at < count; at++) places[(from[at].head >> shift & 0xff) + 1]++;
    for (int byte = 1; byte < 256; byte++) places[byte] += places[byte - 1];
    for (uint32_t at = 0; at < count; at++) to[places[from[at].head >> shift & 0xff]++] = from[at];
    sortable *sorted = to;
    to = from;
    from = sorted;
  }
  if (from != items) memcpy(items, from, count * sizeof *items);
}

/* Sorts them by their keys, and leaves of each only the last. Returns how many are left. */
static uint32_t keep_newest(const uint8_t *bytes, sortable *items, uint32_t count) {
  take_heads(bytes, items, count);
  sort_by_heads(items, items + count, count);
  for (uint32_t at = 0, end; at < count; at = end) {
    for (end = at + 1; end < count && items[end].head == items[at].head;) end++;
    sort(bytes, items + at, items + count, end - at);
  }
  uint32_t kept = 0;
  for (uint32_t at = 0; at < count; at++) {
    int is_last = at + 1 == count || compare_items(bytes, &items[at], &items[at + 1]) != 0;
    if (is_last) items[kept++] = items[at];
  }
  return kept;
}

/* A run of them, in as much memory as it takes; NULL with an error thrown. */
static napi_value run_of(napi_env env, const uint8_t *bytes, uint64_t offset,
                         const sortable *items, uint32_t count) {
  napi_value buffer = NULL;
  dle_run_writer writer;
  uint64_t first_index = UINT64_MAX;
  for (uint32_t at = 0; at < count; at++) {
    uint64_t index = record_index(bytes + items[at].start);
    if (index < first_index) first_index = index;
  }
  void *target = NULL;
  size_t size = 0;
  for (int pass = 0; pass < 2; pass++) {
    dle_run_begin(&writer, target, size, first_index);
    for (uint32_t at = 0; at < count; at++) {
      const uint8_t *record = bytes + items[at].start;
      dle_run_entry entry = {
          .key = record + RECORD_HEADER,
          .key_length = items[at].length,
          .index = record_index(record),
          .place_of_record = (uint32_t)((offset + items[at].start) / OFFSET_STEP),
          .length_and_kind = read32(record + 8) | (uint32_t)record[3] << 24,
      };
      if (!dle_run_add(&writer, &entry)) return NULL;
    }
    size = dle_run_end(&writer);
    if (pass > 0) return buffer;
    if (napi_create_arraybuffer(env, size, &target, &buffer) != napi_ok) return NULL;
  }
  return buffer;
}

/* gatherRun(bytes, starts: Uint32Array, count, offset): see src/native/lookup.ts. */
napi_value dle_gather_run(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  dle_lookup *self = dle_begin(env, info, 4, arguments);
  uint8_t *bytes, *starts_bytes;
  size_t length, room;
  uint32_t count;
  int64_t offset;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &bytes, &length)) return NULL;
  if (!dle_bytes_of(env, arguments[1], &starts_bytes, &room)) return NULL;
  if (!dle_number_of(env, arguments[2], &count)) return NULL;
  if (napi_get_value_int64(env, arguments[3], &offset) != napi_ok) return NULL;
  const uint32_t *starts = (const uint32_t *)starts_bytes;
  sortable *items = count == 0 || count > room ? NULL : malloc((size_t)count * 2 * sizeof *items);
  if (items == NULL) {
    napi_throw_error(env, NULL, "no records, or out of memory");
    return NULL;
  }
  for (uint32_t at = 0; at < count; at++) {
    size_t start = starts[at];
    uint32_t key = start + RECORD_HEADER > length ? 0 : read16(bytes + start + 6);
    if (start + RECORD_HEADER + key > length) {
      free(items);
      napi_throw_range_error(env, NULL, "no record begins there");
      return NULL;
    }
    items[at] = (sortable){.start = starts[at], .length = key};
  }
  uint32_t kept = keep_newest(bytes, items, count);
  napi_value run = run_of(env, bytes, (uint64_t)offset, items, kept);
  free(items);
  return run;
}
