/*
 * The point lookup as JavaScript sees it: `createLookup(seedLow, seedHigh, results)` makes an object
 * of functions that share one index. Each of them keeps that alive, so that none can outlive it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"

static void release_all(napi_env env, dle_lookup *self) {
  dle_index *index = &self->index;
  for (uint32_t slot = 0; slot < index->map_count; slot++) {
    if (index->maps[slot] != NULL) dle_map_release(index->maps[slot]);
  }
  for (uint32_t slab = 0; slab < index->slab_count; slab++) {
    napi_delete_reference(env, self->slab_references[slab]);
  }
  if (self->directory_reference != NULL) napi_delete_reference(env, self->directory_reference);
  dle_merge_free(self->merge);
  self->merge = NULL;
  free(index->maps);
  free(index->descriptors);
  free(index->slabs);
  free(self->slab_references);
  self->slab_references = NULL;
  self->directory_reference = NULL;
  memset(index, 0, sizeof *index);
}

static void finalize(napi_env env, void *data) {
  dle_lookup *self = data;
  release_all(env, self);
  napi_delete_reference(env, self->results_reference);
  napi_delete_reference(env, self->live_reference);
  free(self);
}

/* setDirectory(directory: Uint32Array, depth) */
static napi_value set_directory(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  dle_lookup *self = dle_begin(env, info, 2, arguments);
  uint8_t *bytes;
  size_t length;
  uint32_t depth;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &bytes, &length)) return NULL;
  if (!dle_number_of(env, arguments[1], &depth)) return NULL;
  if (self->directory_reference != NULL) napi_delete_reference(env, self->directory_reference);
  napi_create_reference(env, arguments[0], 1, &self->directory_reference);
  self->index.directory = (const uint32_t *)bytes;
  self->index.depth = depth;
  return NULL;
}

/* setSlab(number, slab: Uint32Array): one more, or another one for that number. */
static napi_value set_slab(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  dle_lookup *self = dle_begin(env, info, 2, arguments);
  uint8_t *bytes;
  size_t length;
  uint32_t number;
  if (self == NULL || !dle_number_of(env, arguments[0], &number)) return NULL;
  if (!dle_bytes_of(env, arguments[1], &bytes, &length)) return NULL;
  dle_index *index = &self->index;
  if (number == index->slab_count) {
    uint32_t **slabs = realloc(index->slabs, (number + 1) * sizeof *slabs);
    if (slabs != NULL) index->slabs = slabs;
    napi_ref *references = realloc(self->slab_references, (number + 1) * sizeof *references);
    if (references != NULL) self->slab_references = references;
    if (slabs == NULL || references == NULL) {
      napi_throw_error(env, NULL, "out of memory");
      return NULL;
    }
    index->slab_count++;
  } else if (number < index->slab_count) {
    napi_delete_reference(env, self->slab_references[number]);
  } else {
    napi_throw_range_error(env, NULL, "no such slab");
    return NULL;
  }
  index->slabs[number] = (uint32_t *)bytes;
  napi_create_reference(env, arguments[1], 1, &self->slab_references[number]);
  return NULL;
}

/* map(slot, fd, size): 0, or the errno of what went wrong. */
static napi_value map(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  dle_lookup *self = dle_begin(env, info, 3, arguments);
  uint32_t slot, fd, size;
  if (self == NULL || !dle_number_of(env, arguments[0], &slot)) return NULL;
  if (!dle_number_of(env, arguments[1], &fd)) return NULL;
  if (!dle_number_of(env, arguments[2], &size)) return NULL;
  dle_index *index = &self->index;
  if (slot >= MAX_SLOTS) return dle_integer(env, EINVAL);
  if (slot >= index->map_count) {
    uint32_t count = slot < 16 ? 32 : slot * 2;
    dle_map **maps = realloc(index->maps, count * sizeof *maps);
    if (maps == NULL) return dle_integer(env, ENOMEM);
    memset(maps + index->map_count, 0, (count - index->map_count) * sizeof *maps);
    index->maps = maps;
    index->map_count = count;
  }
  dle_map *mapped = dle_map_file((int)fd, size);
  if (mapped == NULL) return dle_integer(env, errno == 0 ? ENOMEM : errno);
  if (index->maps[slot] != NULL) dle_map_release(index->maps[slot]);
  index->maps[slot] = mapped;
  return dle_integer(env, 0);
}

/* unmap(slot): the segment is gone, and no position leads there. */
static napi_value unmap(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  dle_lookup *self = dle_begin(env, info, 1, arguments);
  uint32_t slot;
  if (self == NULL || !dle_number_of(env, arguments[0], &slot)) return NULL;
  dle_index *index = &self->index;
  if (slot >= index->map_count || index->maps[slot] == NULL) return NULL;
  dle_map_release(index->maps[slot]);
  index->maps[slot] = NULL;
  return NULL;
}

/*
 * lend(slot, fd): the segment at `slot` may be read by this descriptor, until it is -1. Recovery
 * reads so, for a disk that fails under a map would end the process.
 */
static napi_value lend(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  dle_lookup *self = dle_begin(env, info, 2, arguments);
  uint32_t slot;
  int32_t fd;
  if (self == NULL || !dle_number_of(env, arguments[0], &slot)) return NULL;
  if (napi_get_value_int32(env, arguments[1], &fd) != napi_ok || slot >= MAX_SLOTS) return NULL;
  dle_index *index = &self->index;
  if (slot >= index->descriptor_count) {
    uint32_t count = slot < 16 ? 32 : slot * 2;
    int *descriptors = realloc(index->descriptors, count * sizeof *descriptors);
    if (descriptors == NULL) return NULL;
    for (uint32_t place = index->descriptor_count; place < count; place++) descriptors[place] = -1;
    index->descriptors = descriptors;
    index->descriptor_count = count;
  }
  index->descriptors[slot] = fd;
  return NULL;
}

static void release_shown(napi_env env, void *data, void *hint) {
  (void)data;
  int64_t total;
  dle_map *map = hint;
  napi_adjust_external_memory(env, (int64_t)map->shown, &total);
  dle_map_release(map);
}

/*
 * show(slot, size): an ArrayBuffer of the first bytes of the map, which lives as long as that is
 * held; undefined if there is no map, or it has been shown before. Whoever holds the buffer may
 * copy all of it: `size` must not reach beyond the end of the file.
 */
static napi_value show(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  dle_lookup *self = dle_begin(env, info, 2, arguments);
  uint32_t slot, size;
  if (self == NULL || !dle_number_of(env, arguments[0], &slot)) return NULL;
  if (!dle_number_of(env, arguments[1], &size) || size == 0) return NULL;
  if (slot >= self->index.map_count || self->index.maps[slot] == NULL) return NULL;
  dle_map *map = self->index.maps[slot];
  /* V8 ends the process if two buffers share an address. */
  if (map->shown > 0 || size > map->size) return NULL;
  map->shown = size;
  map->holders++;
  napi_value buffer;
  napi_status status =
      napi_create_external_arraybuffer(env, map->base, size, release_shown, map, &buffer);
  if (status != napi_ok) {
    dle_map_release(map);
    return NULL;
  }
  /* Mapped is not taken: the collector must not hurry because of it. */
  int64_t total;
  napi_adjust_external_memory(env, -(int64_t)size, &total);
  return buffer;
}

/* get(key, target, at): length of the value that was copied, or ABSENT, or ASK. */
static napi_value get(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  dle_lookup *self = dle_begin(env, info, 3, arguments);
  uint8_t *key, *target;
  size_t key_length, target_length;
  uint32_t at;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &key, &key_length)) return NULL;
  if (!dle_bytes_of(env, arguments[1], &target, &target_length)) return NULL;
  if (!dle_number_of(env, arguments[2], &at)) return NULL;
  dle_record record;
  uint32_t slot;
  size_t offset;
  int64_t length = dle_find(&self->index, key, key_length, &record, &slot, &offset);
  if (length > 0) {
    if (at > target_length || (size_t)length > target_length - at) return dle_integer(env, DLE_ASK);
    memcpy(target + at, record.value, (size_t)length);
  }
  return dle_integer(env, (int32_t)length);
}

/* locate(key): as get, but says where the value lies: results[0] the slot, results[1] the offset. */
static napi_value locate(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  dle_lookup *self = dle_begin(env, info, 1, arguments);
  uint8_t *key;
  size_t key_length, offset;
  if (self == NULL || !dle_bytes_of(env, arguments[0], &key, &key_length)) return NULL;
  dle_record record;
  uint32_t slot;
  int64_t length = dle_find(&self->index, key, key_length, &record, &slot, &offset);
  if (length >= 0) {
    self->results[0] = slot;
    self->results[1] = (uint32_t)offset;
  }
  return dle_integer(env, (int32_t)length);
}

/* release(): lets go of all maps and pages; everything is ASK from then on. */
static napi_value release(napi_env env, napi_callback_info info) {
  dle_lookup *self = dle_begin(env, info, 0, NULL);
  if (self != NULL) release_all(env, self);
  return NULL;
}

static napi_value create_lookup(napi_env env, napi_callback_info info) {
  static const dle_function functions[] = {
      {"setDirectory", set_directory}, {"setSlab", set_slab},
      {"map", map},                    {"unmap", unmap},
      {"lend", lend},                  {"show", show},
      {"get", get},                    {"locate", locate},
      {"putRecords", dle_put_records}, {"beginMerge", dle_begin_merge},
      {"fillMerge", dle_fill_merge},   {"runMerge", dle_run_merge},
      {"findRecords", dle_find_records},
      {"gatherRun", dle_gather_run},
      {"runMergeBytes", dle_run_merge_bytes},
      {"beginRunMerge", dle_begin_run_merge},
      {"stepRunMerge", dle_step_run_merge},
      {"readCached", dle_read_cached},
      {"mergedScanBytes", dle_merged_scan_bytes},
      {"beginMergedScan", dle_begin_merged_scan},
      {"fillMergedScan", dle_fill_merged_scan},
      {"runMergedScan", dle_run_merged_scan},
      {"release", release},
  };
  napi_value arguments[4];
  size_t given = 4, length, live_length;
  uint8_t *results, *live;
  dle_lookup *self = calloc(1, sizeof *self);
  napi_get_cb_info(env, info, &given, arguments, NULL, NULL);
  if (self == NULL || given < 4 || !dle_number_of(env, arguments[0], &self->index.seed_low) ||
      !dle_number_of(env, arguments[1], &self->index.seed_high) ||
      !dle_bytes_of(env, arguments[2], &results, &length) ||
      !dle_bytes_of(env, arguments[3], &live, &live_length) ||
      live_length < 2 * MAX_SLOTS) {
    free(self);
    return NULL;
  }
  self->results = (uint32_t *)results;
  napi_create_reference(env, arguments[2], 1, &self->results_reference);
  self->index.live = (double *)live;
  napi_create_reference(env, arguments[3], 1, &self->live_reference);
  return dle_object_of(env, functions, sizeof functions / sizeof functions[0], &self->functions,
                       finalize);
}

napi_status dle_lookup_init(napi_env env, napi_value exports) {
  napi_property_descriptor properties[] = {
      {"createLookup", NULL, create_lookup, NULL, NULL, NULL, napi_default, NULL},
      {"directoryKeys", NULL, dle_directory_keys, NULL, NULL, NULL, napi_default, NULL},
      {"readRecords", NULL, dle_read_records, NULL, NULL, NULL, napi_default, NULL},
      {"seal", NULL, dle_seal, NULL, NULL, NULL, napi_default, NULL},
      {"verify", NULL, dle_verify, NULL, NULL, NULL, napi_default, NULL},
      {"slab", NULL, dle_slab, NULL, NULL, NULL, napi_default, NULL},
  };
  return napi_define_properties(env, exports, sizeof properties / sizeof properties[0], properties);
}
