/* The keys of a segment, collected and sorted for its directory: src/directory/native-keys.ts. */
#include <stdlib.h>

#include "functions.h"
#include "lookup.h"
#include "run.h"
#include "sort.h"

enum {
  /* What is left in `results` of a frame. */
  FIRST_INDEX = 0,
  LAST_INDEX = 1,
  LAST_TERM = 2,
  /* And of a block. */
  BLOCK_KEYS = 0,
  BLOCK_BYTES = 1,
  BLOCK_DELETES = 2,
  RESULTS = 3,

  FIRST_KEYS = 1024,
  FIRST_BYTES = 64 * 1024,
};

/* Where a record lies, in front of its key among the bytes of all. */
typedef struct {
  uint64_t index;
  uint32_t place;
  uint32_t length_and_kind;
} key_head;

typedef struct {
  dle_functions functions;
  double *results;
  napi_ref results_reference;
  /* Heads and keys, each at a multiple of eight. */
  uint8_t *bytes;
  size_t used;
  size_t room;
  /* Twice as many as there may be keys. */
  dle_sortable *items;
  uint32_t count;
  uint32_t capacity;
  dle_sort sort;
} keys;

/* They may grow so far, so that where a key begins is a number of 32 bits. */
static const size_t MOST_BYTES = (size_t)1 << 31;

static void forget(keys *self) {
  free(self->bytes);
  free(self->items);
  self->bytes = NULL;
  self->items = NULL;
  self->used = self->room = 0;
  self->count = self->capacity = 0;
  self->sort = (dle_sort){0};
}

static void finalize(napi_env env, void *data) {
  keys *self = data;
  forget(self);
  napi_delete_reference(env, self->results_reference);
  free(self);
}

static int grow_bytes(keys *self, size_t needed) {
  size_t room = self->room == 0 ? FIRST_BYTES : self->room;
  while (room < needed) room *= 2;
  uint8_t *bytes = room > MOST_BYTES ? NULL : realloc(self->bytes, room);
  if (bytes == NULL) return 0;
  self->bytes = bytes;
  self->room = room;
  return 1;
}

static int grow_items(keys *self) {
  uint32_t capacity = self->capacity == 0 ? FIRST_KEYS : self->capacity * 2;
  dle_sortable *items = realloc(self->items, (size_t)capacity * 2 * sizeof *items);
  if (items == NULL) return 0;
  self->items = items;
  self->capacity = capacity;
  return 1;
}

/* 0 if there is no memory, or they are being sorted. */
static int add(keys *self, key_head head, const uint8_t *key, uint32_t length) {
  if (self->sort.items != NULL) return 0;
  size_t start = self->used + sizeof head;
  size_t end = start + ((length + 7) & ~(size_t)7);
  if (end > self->room && !grow_bytes(self, end)) return 0;
  if (self->count == self->capacity && !grow_items(self)) return 0;
  memcpy(self->bytes + self->used, &head, sizeof head);
  memcpy(self->bytes + start, key, length);
  self->items[self->count++] = (dle_sortable){.start = (uint32_t)start, .length = length};
  self->used = end;
  return 1;
}

static int add_record(keys *self, const uint8_t *at, const dle_record *record, uint64_t offset) {
  if (at[3] == RECORD_OPAQUE) return 1;
  key_head head = {
      .index = record_index(at),
      .place = (uint32_t)(offset / OFFSET_STEP),
      .length_and_kind = record->value_length | (uint32_t)at[3] << 24,
  };
  return add(self, head, record->key, record->key_length);
}

/*
 * Adds the records of a frame, which are whole entries one after the other (src/log/entry-batch.ts
 * has what holds for those). How many; 0 for anything out of the ordinary.
 */
static uint32_t add_entries(keys *self, const uint8_t *bytes, size_t length, uint64_t offset) {
  uint64_t index = 0, term = 0;
  uint32_t records = 0, of_entry = 0;
  for (size_t from = 0; from < length; records++) {
    dle_record record;
    const uint8_t *at = bytes + from;
    if (!dle_read_log_header(at, length - from, &record)) return 0;
    if (!dle_payload_is_intact(at, &record)) return 0;
    int begins = of_entry == 0;
    if (records == 0) self->results[FIRST_INDEX] = (double)record_index(at);
    else if (record_index(at) != index + (uint64_t)begins) return 0;
    if (begins ? record_term(at) < term : record_term(at) != term) return 0;
    index = record_index(at);
    term = record_term(at);
    if (++of_entry > MAX_ENTRY_RECORDS || !add_record(self, at, &record, offset + from)) return 0;
    if (ends_entry(at)) of_entry = 0;
    from += record_bytes(record.key_length, record.value_length);
  }
  self->results[LAST_INDEX] = (double)index;
  self->results[LAST_TERM] = (double)term;
  return of_entry == 0 ? records : 0;
}

/* addFrame(records, offset): see src/native/directory-keys.ts, as for those that follow. */
static napi_value add_frame(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  keys *self = dle_begin(env, info, 2, arguments);
  uint8_t *bytes;
  size_t length;
  uint32_t offset;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &bytes, &length)) return NULL;
  if (!dle_number_of(env, arguments[1], &offset)) return NULL;
  uint32_t count = self->count;
  size_t used = self->used;
  uint32_t records = add_entries(self, bytes, length, offset);
  if (records == 0) {
    self->count = count;
    self->used = used;
  }
  return dle_integer(env, (int32_t)records);
}

/* add(key, offset, index, valueLength, kind) */
static napi_value add_key(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  keys *self = dle_begin(env, info, 5, arguments);
  uint8_t *key;
  size_t length;
  uint32_t offset, value_length, kind;
  int64_t index;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &key, &length)) return NULL;
  if (!dle_number_of(env, arguments[1], &offset)) return NULL;
  if (napi_get_value_int64(env, arguments[2], &index) != napi_ok) return NULL;
  if (!dle_number_of(env, arguments[3], &value_length)) return NULL;
  if (!dle_number_of(env, arguments[4], &kind)) return NULL;
  key_head head = {
      .index = (uint64_t)index,
      .place = offset / OFFSET_STEP,
      .length_and_kind = (value_length & 0xffffff) | kind << 24,
  };
  if (length > MAX_KEY || !add(self, head, key, (uint32_t)length)) {
    napi_throw_error(env, NULL, "too long a key, too late, or out of memory");
  }
  return NULL;
}

/* beginSort() */
static napi_value begin_sort(napi_env env, napi_callback_info info) {
  keys *self = dle_begin(env, info, 0, NULL);
  if (self != NULL) dle_sort_begin(&self->sort, self->bytes, self->items, self->count);
  return NULL;
}

/* stepSort() */
static napi_value step_sort(napi_env env, napi_callback_info info) {
  keys *self = dle_begin(env, info, 0, NULL);
  if (self == NULL) return NULL;
  int goes_on = self->sort.count > 0 && dle_sort_step(&self->sort);
  return dle_integer(env, goes_on ? -1 : (int32_t)self->sort.count);
}

/* Fills a block with the keys from `place` on. 0 if an index is lower than the first one. */
static int fill_block(keys *self, uint8_t *target, uint32_t place, uint64_t first_index) {
  dle_run_writer writer;
  uint32_t deletes = 0;
  memset(target, 0, BLOCK);
  dle_run_begin(&writer, target, BLOCK, first_index);
  for (; place < self->sort.count; place++) {
    const dle_sortable *item = &self->items[place];
    if (!dle_run_has_room(&writer, item->length)) break;
    key_head head;
    memcpy(&head, self->bytes + item->start - sizeof head, sizeof head);
    if (head.index < first_index) return 0;
    dle_run_entry entry = {
        .key = self->bytes + item->start,
        .key_length = item->length,
        .index = head.index,
        .place_of_record = head.place,
        .length_and_kind = head.length_and_kind,
    };
    dle_run_add(&writer, &entry);
    if (head.length_and_kind >> 24 == RECORD_DELETE) deletes++;
  }
  dle_run_seal(&writer, BLOCK - PLACE * (size_t)writer.count);
  self->results[BLOCK_KEYS] = writer.count;
  self->results[BLOCK_BYTES] = (double)(writer.used - BLOCK_HEADER);
  self->results[BLOCK_DELETES] = deletes;
  return 1;
}

/* fillBlock(target, place, firstIndex) */
static napi_value fill_block_of(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  keys *self = dle_begin(env, info, 3, arguments);
  uint8_t *target;
  size_t length;
  uint32_t place;
  int64_t first_index;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &target, &length)) return NULL;
  if (!dle_number_of(env, arguments[1], &place)) return NULL;
  if (napi_get_value_int64(env, arguments[2], &first_index) != napi_ok) return NULL;
  if (length < BLOCK || !fill_block(self, target, place, (uint64_t)first_index)) {
    napi_throw_range_error(env, NULL, "no block, or an index is lower than the first one");
  }
  return NULL;
}

/* release() */
static napi_value release(napi_env env, napi_callback_info info) {
  keys *self = dle_begin(env, info, 0, NULL);
  if (self != NULL) forget(self);
  return NULL;
}

/* directoryKeys(results: Float64Array) */
napi_value dle_directory_keys(napi_env env, napi_callback_info info) {
  static const dle_function functions[] = {
      {"addFrame", add_frame}, {"add", add_key},
      {"beginSort", begin_sort}, {"stepSort", step_sort},
      {"fillBlock", fill_block_of}, {"release", release},
  };
  napi_value arguments[1];
  size_t given = 1, length;
  uint8_t *results;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok || given < 1) {
    return NULL;
  }
  if (!dle_bytes_of(env, arguments[0], &results, &length) || length < RESULTS) return NULL;
  keys *self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  self->results = (double *)results;
  napi_create_reference(env, arguments[0], 1, &self->results_reference);
  return dle_object_of(env, functions, sizeof functions / sizeof functions[0], &self->functions,
                       finalize);
}
