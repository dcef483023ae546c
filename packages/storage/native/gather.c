/* Verifying and sorting the records of a piece of a log: src/ordered/native-gathering.ts. */
#include <stdlib.h>
#include <string.h>

#include "lookup.h"

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

/* Where the key of a record lies, and how long it is. */
typedef struct {
  uint32_t start;
  uint32_t length;
  /* The first bytes of the key, so that most comparisons look no further. */
  uint64_t head;
} sortable;

static uint64_t head_of(const uint8_t *key, uint32_t length) {
  uint64_t head = 0;
  for (uint32_t at = 0; at < 8; at++) head = head << 8 | (at < length ? key[at] : 0);
  return head;
}

static int compare_keys(const uint8_t *bytes, const sortable *a, const sortable *b) {
  if (a->head != b->head) return a->head < b->head ? -1 : 1;
  uint32_t shorter = a->length < b->length ? a->length : b->length;
  int order = memcmp(bytes + a->start + RECORD_HEADER, bytes + b->start + RECORD_HEADER, shorter);
  if (order != 0) return order;
  return (a->length > b->length) - (a->length < b->length);
}

/* A merge sort: it is stable, so that of two records of a key the later one stays the later. */
static void sort(const uint8_t *bytes, sortable *items, sortable *spare, uint32_t count) {
  if (count < 2) return;
  uint32_t middle = count / 2;
  sort(bytes, items, spare, middle);
  sort(bytes, items + middle, spare, count - middle);
  if (compare_keys(bytes, &items[middle - 1], &items[middle]) <= 0) return;
  memcpy(spare, items, middle * sizeof *items);
  uint32_t left = 0, right = middle, at = 0;
  while (left < middle && right < count) {
    int takes_left = compare_keys(bytes, &spare[left], &items[right]) <= 0;
    items[at++] = takes_left ? spare[left++] : items[right++];
  }
  while (left < middle) items[at++] = spare[left++];
}

/* (bytes, starts: Uint32Array, count): see src/native/lookup.ts. */
napi_value dle_sort_records(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  dle_lookup *self = dle_begin(env, info, 3, arguments);
  uint8_t *bytes, *starts_bytes;
  size_t length, room;
  uint32_t count;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &bytes, &length)) return NULL;
  if (!dle_bytes_of(env, arguments[1], &starts_bytes, &room)) return NULL;
  if (!dle_number_of(env, arguments[2], &count)) return NULL;
  uint32_t *starts = (uint32_t *)starts_bytes;
  sortable *items = count > room ? NULL : malloc((count + 1) * 2 * sizeof *items);
  if (items == NULL) {
    napi_throw_error(env, NULL, "out of memory");
    return NULL;
  }
  for (uint32_t at = 0; at < count; at++) {
    uint32_t start = starts[at];
    uint32_t key_length = start + RECORD_HEADER > length ? 0 : read16(bytes + start + 6);
    if (start + RECORD_HEADER + key_length > length) {
      free(items);
      napi_throw_range_error(env, NULL, "no record begins there");
      return NULL;
    }
    const uint8_t *key = bytes + start + RECORD_HEADER;
    items[at] = (sortable){start, key_length, head_of(key, key_length)};
  }
  sort(bytes, items, items + count + 1, count);
  uint32_t kept = 0;
  for (uint32_t at = 0; at < count; at++) {
    int is_last = at + 1 == count || compare_keys(bytes, &items[at], &items[at + 1]) != 0;
    if (is_last) starts[kept++] = items[at].start;
  }
  free(items);
  return dle_integer(env, (int32_t)kept);
}
