/* Filling the index: with the puts of a log, or from key directories. */
#include "lookup.h"

/* So many puts are hashed, and their buckets fetched, before the first of them is put. */
enum { GROUP = 16 };

/* One put of a group. */
typedef struct {
  const uint8_t *key;
  size_t key_length;
  uint32_t offset;
  uint32_t bytes;
  uint32_t hash;
  uint32_t next;
} pending_put;

/* Hashes the puts of a group, and has the caches fetch their buckets and what those lead to. */
static void fetch_group(dle_index *index, pending_put *puts, int count) {
  for (int put = 0; put < count; put++) {
    dle_search search;
    puts[put].hash = dle_hash(index, puts[put].key, puts[put].key_length);
    dle_search_begin(index, puts[put].hash, &search);
    __builtin_prefetch(search.bucket, 1);
  }
  for (int put = 0; put < count; put++) {
    dle_search search;
    dle_search_begin(index, puts[put].hash, &search);
    uint32_t *entry = dle_search_next(&search);
    size_t available;
    const uint8_t *at = entry == NULL ? NULL : dle_entry_record(index, entry, &available);
    if (at == NULL) continue;
    __builtin_prefetch(at);
    __builtin_prefetch(at + 64);
  }
}

/*
 * Puts a group, in order. Returns how many were put: fewer if TypeScript has to look at the next.
 */
static int put_group(dle_index *index, pending_put *puts, int count, uint32_t slot,
                     uint32_t *added) {
  fetch_group(index, puts, count);
  for (int put = 0; put < count; put++) {
    int outcome = dle_put(index, puts[put].hash, puts[put].key, puts[put].key_length, slot,
                          puts[put].offset, puts[put].bytes);
    if (outcome == DLE_ASK) return put;
    *added += (uint32_t)outcome;
  }
  return count;
}

/*
 * What lies at `from`, if it is a put; its end, or 0 if it is something else. It walks over bytes
 * that TypeScript has made or verified; they are held against `to` all the same.
 */
static uint32_t read_record(const uint8_t *bytes, uint32_t from, uint32_t to, pending_put *put) {
  const uint8_t *at = bytes + from;
  if (to - from < RECORD_HEADER || at[3] != RECORD_PUT) return 0;
  put->key = at + RECORD_HEADER;
  put->key_length = read16(at + 6);
  put->offset = from;
  size_t length = record_bytes(put->key_length, read32(at + 8));
  put->bytes = (uint32_t)length;
  return length > to - from ? 0 : from + (uint32_t)length;
}

/*
 * (bytes, from, to, slot, shift): puts what lies one after the other in `bytes`, `shift` bytes
 * further on in the segment at `slot`. Returns where it stopped: `to`, or at what TypeScript has to
 * do; results[0]: how many keys are new.
 */
napi_value dle_put_records(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  dle_lookup *self = dle_begin(env, info, 5, arguments);
  uint8_t *bytes;
  size_t length;
  uint32_t numbers[3];
  int32_t shift;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &bytes, &length)) return NULL;
  for (int place = 0; place < 3; place++) {
    if (!dle_number_of(env, arguments[place + 1], &numbers[place])) return NULL;
  }
  if (napi_get_value_int32(env, arguments[4], &shift) != napi_ok) return NULL;
  uint32_t from = numbers[0], to = numbers[1], slot = numbers[2], added = 0;
  if (to > length || self->index.directory == NULL) to = from;
  while (from < to) {
    pending_put puts[GROUP];
    int count = 0;
    for (uint32_t at = from; count < GROUP && at < to; count++) {
      at = read_record(bytes, at, to, &puts[count]);
      if (at == 0) break;
      puts[count].offset += (uint32_t)shift;
      puts[count].next = at;
    }
    int done = put_group(&self->index, puts, count, slot, &added);
    if (done > 0) from = puts[done - 1].next;
    if (done < GROUP) break;
  }
  self->results[0] = added;
  return dle_integer(env, (int32_t)from);
}

/* beginMerge(sources): of so many key directories; 0 ends it. */
napi_value dle_begin_merge(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  dle_lookup *self = dle_begin(env, info, 1, arguments);
  uint32_t sources;
  if (self == NULL || !dle_number_of(env, arguments[0], &sources)) return NULL;
  dle_merge_free(self->merge);
  self->merge = sources == 0 ? NULL : dle_merge_create(sources);
  if (self->merge == NULL && sources > 0) napi_throw_error(env, NULL, "out of memory");
  return NULL;
}

/* fillMerge(source, bytes, from, to, slot, firstIndex): the caller keeps `bytes` until the next. */
napi_value dle_fill_merge(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  dle_lookup *self = dle_begin(env, info, 6, arguments);
  uint8_t *bytes;
  size_t length;
  uint32_t source, from, to;
  dle_cursor cursor;
  if (self == NULL || !dle_number_of(env, arguments[0], &source)) return NULL;
  if (!dle_bytes_of(env, arguments[1], &bytes, &length)) return NULL;
  if (!dle_number_of(env, arguments[2], &from)) return NULL;
  if (!dle_number_of(env, arguments[3], &to)) return NULL;
  if (!dle_number_of(env, arguments[4], &cursor.slot)) return NULL;
  if (napi_get_value_double(env, arguments[5], &cursor.first_index) != napi_ok) return NULL;
  if (self->merge == NULL || source >= self->merge->count || from >= to || to > length) {
    napi_throw_range_error(env, NULL, "no such source, or no entries");
    return NULL;
  }
  cursor.at = bytes + from;
  cursor.end = bytes + to;
  dle_merge_fill(self->merge, source, cursor);
  return NULL;
}

/* runMerge(): as dle_merge_run; results[0]: keys added, results[1]: the hash for which to split. */
napi_value dle_run_merge(napi_env env, napi_callback_info info) {
  dle_lookup *self = dle_begin(env, info, 0, NULL);
  if (self == NULL || self->merge == NULL || self->index.directory == NULL) {
    napi_throw_error(env, NULL, "no merge has begun");
    return NULL;
  }
  self->results[0] = 0;
  return dle_integer(env, dle_merge_run(self->merge, &self->index, &self->results[0],
                                    &self->results[1]));
}
