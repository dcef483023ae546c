/* Copying many records at once, for reads in the order of keys: src/ordered/native-scan.ts. */
#include <string.h>

#include "lookup.h"

/* What is asked for one record: see the TypeScript for the same. */
enum { SLOT, OFFSET, KEY_LENGTH, VALUE_LENGTH, INDEX, FIELDS };

/* The caches fetch so many records ahead of the one that is copied. */
enum { AHEAD = 8, RECORD_INDEX = 16 };

static const uint8_t *record_at(const dle_index *index, const uint32_t *asked, size_t *available) {
  if (asked[SLOT] >= index->map_count) return NULL;
  const dle_map *map = index->maps[asked[SLOT]];
  size_t offset = (size_t)asked[OFFSET] * OFFSET_STEP;
  if (map == NULL || offset >= map->size) return NULL;
  *available = map->size - offset;
  return map->base + offset;
}

static void fetch(const dle_index *index, const uint32_t *asked) {
  size_t available;
  const uint8_t *at = record_at(index, asked, &available);
  if (at == NULL) return;
  __builtin_prefetch(at);
  __builtin_prefetch(at + 64);
  __builtin_prefetch(at + 128);
}

/* Key and value of the record that is asked for, one after the other; NULL if it is another one. */
static const uint8_t *payload_of(const dle_index *index, const uint32_t *asked) {
  size_t available;
  dle_record record;
  const uint8_t *at = record_at(index, asked, &available);
  if (at == NULL || !dle_read_header(at, available, &record)) return NULL;
  if (record.key_length != asked[KEY_LENGTH] || record.value_length != asked[VALUE_LENGTH]) {
    return NULL;
  }
  if (read32(at + RECORD_INDEX) != asked[INDEX] || !dle_payload_is_intact(at, &record)) return NULL;
  return record.key;
}

/*
 * copyRecords(request: Uint32Array, from, to, target, at): copies key and value of the records
 * `from` to `to`, the latter not included, one after the other to `at` of `target`. Returns the
 * number of the first that it did not copy, for TypeScript to look at.
 */
napi_value dle_copy_records(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  dle_lookup *self = dle_begin(env, info, 5, arguments);
  uint8_t *bytes, *target;
  size_t words, room;
  uint32_t from, to, position;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &bytes, &words)) return NULL;
  if (!dle_number_of(env, arguments[1], &from) || !dle_number_of(env, arguments[2], &to)) return NULL;
  if (!dle_bytes_of(env, arguments[3], &target, &room)) return NULL;
  if (!dle_number_of(env, arguments[4], &position)) return NULL;
  const uint32_t *request = (const uint32_t *)bytes;
  if ((size_t)to * FIELDS > words) to = from;
  for (uint32_t ahead = from; ahead < to && ahead < from + AHEAD; ahead++) {
    fetch(&self->index, request + (size_t)ahead * FIELDS);
  }
  size_t at = position;
  for (; from < to; from++) {
    const uint32_t *asked = request + (size_t)from * FIELDS;
    if (from + AHEAD < to) fetch(&self->index, asked + AHEAD * FIELDS);
    const uint8_t *payload = payload_of(&self->index, asked);
    size_t length = (size_t)asked[KEY_LENGTH] + asked[VALUE_LENGTH];
    if (payload == NULL || at > room || length > room - at) break;
    memcpy(target + at, payload, length);
    at += length;
  }
  return dle_integer(env, (int32_t)from);
}
