/* Verifying and sorting the records of a piece of a log: src/ordered/native-gathering.ts. */
#include <stdlib.h>

#include "lookup.h"
#include "run.h"
#include "sort.h"

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

/* A run of them, in as much memory as it takes; NULL with an error thrown. */
static napi_value run_of(napi_env env, const uint8_t *bytes, uint64_t offset,
                         const dle_sortable *items, uint32_t count) {
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
  size_t size = (size_t)count * 2 * sizeof(dle_sortable);
  dle_sortable *items = count == 0 || count > room ? NULL : malloc(size);
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
    items[at] = (dle_sortable){.start = starts[at], .length = key};
  }
  dle_sort sort;
  dle_sort_begin(&sort, bytes + RECORD_HEADER, items, count);
  while (dle_sort_step(&sort)) continue;
  napi_value run = run_of(env, bytes, (uint64_t)offset, items, sort.count);
  free(items);
  return run;
}
