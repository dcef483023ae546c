/* Several runs of keys made one, in steps: src/ordered/native-gathering.ts. */
#include "key-merge.h"
#include "lookup.h"
#include "run.h"

/* Some runs that are made one. */
typedef struct {
  dle_run_writer writer;
  dle_key_merge merge;
  /* Where the run of each source ends, and what the merge takes. */
  uint64_t memory[];
} merged_runs;

static uint64_t read64(const uint8_t *at) { return read32(at) | (uint64_t)read32(at + 4) << 32; }

static const uint8_t **ends_of(merged_runs *self) { return (const uint8_t **)self->memory; }

static size_t merge_size(uint32_t sources) {
  return sizeof(merged_runs) + sources * sizeof(uint64_t) + dle_key_merge_size(sources);
}

/* `source` goes on with the block at `block`; 0 if that is none. */
static int fill(merged_runs *self, uint32_t source, const uint8_t *block) {
  size_t rest = (size_t)(ends_of(self)[source] - block);
  size_t size = rest < BLOCK ? rest : BLOCK;
  if (size < BLOCK_HEADER) return 0;
  dle_key_cursor cursor = {.block = block, .count = read32(block + BLOCK_COUNT)};
  size_t places = PLACE * (size_t)cursor.count;
  if (cursor.count == 0 || BLOCK_HEADER + read32(block + BLOCK_LENGTH) + places > size) return 0;
  cursor.places = block + size - places;
  cursor.first_index = read64(block + RUN_FIRST_INDEX);
  dle_key_merge_fill(&self->merge, source, cursor);
  return 1;
}

/* Adds the entry at the top, unless its key has been added. 0 if there is no room. */
static int take(merged_runs *self) {
  const dle_key_cursor *cursor = dle_key_merge_top(&self->merge);
  const uint8_t *at = cursor->entry;
  if (dle_key_merge_repeats(&self->merge)) return 1;
  dle_run_entry entry = {
      .key = at + ENTRY,
      .key_length = key_length(at),
      .index = cursor_index(cursor),
      .place_of_record = read32(at),
      .length_and_kind = read32(at + ENTRY_VALUE_LENGTH),
  };
  return dle_run_add(&self->writer, &entry);
}

/* Goes on behind the entry at the top. 0 if what follows is no block. */
static int advance(merged_runs *self) {
  uint32_t source = dle_key_merge_source(&self->merge);
  if (dle_key_merge_advance(&self->merge)) return 1;
  const uint8_t *block = self->merge.cursors[source].block;
  if (ends_of(self)[source] - block <= BLOCK) return 1;
  return fill(self, source, block + BLOCK);
}

/* The merge that lies in an array of JavaScript; NULL with an error thrown. */
static merged_runs *merge_of(napi_env env, napi_value value, size_t *length) {
  uint8_t *bytes;
  if (!dle_bytes_of(env, value, &bytes, length)) return NULL;
  merged_runs *self = (merged_runs *)bytes;
  if (*length >= sizeof *self && (uintptr_t)bytes % _Alignof(merged_runs) == 0) return self;
  napi_throw_range_error(env, NULL, "not the memory of a merge of runs");
  return NULL;
}

/* runMergeBytes(sources): see src/native/lookup.ts, as for those that follow. */
napi_value dle_run_merge_bytes(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  uint32_t sources;
  if (dle_begin(env, info, 1, arguments) == NULL) return NULL;
  if (!dle_number_of(env, arguments[0], &sources)) return NULL;
  return dle_integer(env, (int32_t)merge_size(sources));
}

/* Has every run as a source; 0 with an error thrown. */
static int begin_merge(napi_env env, merged_runs *self, napi_value runs, uint32_t sources) {
  uint64_t first_index = UINT64_MAX;
  dle_key_merge_begin(&self->merge, self->memory + sources, sources, 0);
  for (uint32_t source = 0; source < sources; source++) {
    napi_value run;
    uint8_t *bytes;
    size_t length;
    if (napi_get_element(env, runs, source, &run) != napi_ok) return 0;
    if (!dle_bytes_of(env, run, &bytes, &length)) return 0;
    ends_of(self)[source] = bytes + length;
    if (!fill(self, source, bytes)) {
      napi_throw_range_error(env, NULL, "not a run of keys");
      return 0;
    }
    uint64_t first = self->merge.cursors[source].first_index;
    if (first < first_index) first_index = first;
  }
  self->writer.first_index = first_index;
  return 1;
}

/* beginRunMerge(memory, runs, target) */
napi_value dle_begin_run_merge(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t memory, size;
  uint32_t sources;
  uint8_t *target;
  if (dle_begin(env, info, 3, arguments) == NULL) return NULL;
  merged_runs *self = merge_of(env, arguments[0], &memory);
  if (self == NULL || !dle_bytes_of(env, arguments[2], &target, &size)) return NULL;
  int is_array = napi_get_array_length(env, arguments[1], &sources) == napi_ok;
  if (!is_array || memory < merge_size(sources)) {
    napi_throw_range_error(env, NULL, "no runs, or too little memory for a merge of them");
    return NULL;
  }
  dle_run_begin(&self->writer, target, size, 0);
  begin_merge(env, self, arguments[1], sources);
  return NULL;
}

/* stepRunMerge(memory, most) */
napi_value dle_step_run_merge(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t memory;
  uint32_t most;
  if (dle_begin(env, info, 2, arguments) == NULL) return NULL;
  merged_runs *self = merge_of(env, arguments[0], &memory);
  if (self == NULL || !dle_number_of(env, arguments[1], &most)) return NULL;
  for (; most > 0 && self->merge.heap_size > 0; most--) {
    if (take(self) && advance(self)) continue;
    napi_throw_range_error(env, NULL, "no room for the runs, or they are none");
    return NULL;
  }
  if (self->merge.heap_size > 0) return dle_integer(env, 0);
  return dle_integer(env, (int32_t)dle_run_end(&self->writer));
}
