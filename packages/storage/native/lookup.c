/*
 * The point lookup as JavaScript sees it: `createLookup(seedLow, seedHigh, results)` makes an object
 * of functions that share one index. Each of them keeps that alive, so that none can outlive it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dle.h"
#include "index.h"
#include "merge.h"

/* Entries of a key directory (docs/format.md). */
enum { DIRECTORY_ENTRY = 16 };

/* So many puts are hashed, and their buckets fetched, before the first of them is put. */
enum { GROUP = 16 };

typedef struct {
  dle_index index;
  /* What the arrays of numbers belong to, so that it stays. */
  napi_ref directory_reference;
  napi_ref results_reference;
  napi_ref *slab_references;
  uint32_t *results;
  dle_merge *merge;
  int functions;
} lookup;

static void release_all(napi_env env, lookup *self) {
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

static void finalize(napi_env env, void *data, void *hint) {
  (void)hint;
  lookup *self = data;
  if (--self->functions > 0) return;
  release_all(env, self);
  napi_delete_reference(env, self->results_reference);
  free(self);
}

/* The arguments of a call, `count` of them, and what it belongs to. */
static lookup *begin(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  void *self = NULL;
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, &self) != napi_ok || given < count) {
    napi_throw_type_error(env, NULL, "too few arguments");
    return NULL;
  }
  return self;
}

static int bytes_of(napi_env env, napi_value value, uint8_t **bytes, size_t *length) {
  void *data = NULL;
  if (napi_get_typedarray_info(env, value, NULL, length, &data, NULL, NULL) != napi_ok) {
    napi_throw_type_error(env, NULL, "not a typed array");
    return 0;
  }
  *bytes = data;
  return 1;
}

static int number_of(napi_env env, napi_value value, uint32_t *number) {
  if (napi_get_value_uint32(env, value, number) == napi_ok) return 1;
  napi_throw_type_error(env, NULL, "not a number");
  return 0;
}

static napi_value integer(napi_env env, int32_t number) {
  napi_value value;
  napi_create_int32(env, number, &value);
  return value;
}

/* setDirectory(directory: Uint32Array, depth) */
static napi_value set_directory(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  lookup *self = begin(env, info, 2, arguments);
  uint8_t *bytes;
  size_t length;
  uint32_t depth;
  if (self == NULL || !bytes_of(env, arguments[0], &bytes, &length)) return NULL;
  if (!number_of(env, arguments[1], &depth)) return NULL;
  if (self->directory_reference != NULL) napi_delete_reference(env, self->directory_reference);
  napi_create_reference(env, arguments[0], 1, &self->directory_reference);
  self->index.directory = (const uint32_t *)bytes;
  self->index.depth = depth;
  return NULL;
}

/* addSlab(slab: Uint32Array) */
static napi_value add_slab(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  lookup *self = begin(env, info, 1, arguments);
  uint8_t *bytes;
  size_t length;
  if (self == NULL || !bytes_of(env, arguments[0], &bytes, &length)) return NULL;
  dle_index *index = &self->index;
  uint32_t count = index->slab_count + 1;
  uint32_t **slabs = realloc(index->slabs, count * sizeof *slabs);
  if (slabs != NULL) index->slabs = slabs;
  napi_ref *references = realloc(self->slab_references, count * sizeof *references);
  if (references != NULL) self->slab_references = references;
  if (slabs == NULL || references == NULL) {
    napi_throw_error(env, NULL, "out of memory");
    return NULL;
  }
  slabs[count - 1] = (uint32_t *)bytes;
  napi_create_reference(env, arguments[0], 1, &references[count - 1]);
  index->slab_count = count;
  return NULL;
}

/* map(slot, fd, size): 0, or the errno of what went wrong. */
static napi_value map(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  lookup *self = begin(env, info, 3, arguments);
  uint32_t slot, fd, size;
  if (self == NULL || !number_of(env, arguments[0], &slot)) return NULL;
  if (!number_of(env, arguments[1], &fd) || !number_of(env, arguments[2], &size)) return NULL;
  dle_index *index = &self->index;
  if (slot >= MAX_SLOTS) return integer(env, EINVAL);
  if (slot >= index->map_count) {
    uint32_t count = slot < 16 ? 32 : slot * 2;
    dle_map **maps = realloc(index->maps, count * sizeof *maps);
    if (maps == NULL) return integer(env, ENOMEM);
    memset(maps + index->map_count, 0, (count - index->map_count) * sizeof *maps);
    index->maps = maps;
    index->map_count = count;
  }
  dle_map *mapped = dle_map_file((int)fd, size);
  if (mapped == NULL) return integer(env, errno == 0 ? ENOMEM : errno);
  if (index->maps[slot] != NULL) dle_map_release(index->maps[slot]);
  index->maps[slot] = mapped;
  return integer(env, 0);
}

/*
 * lend(slot, fd): the segment at `slot` may be read by this descriptor, until it is -1. Recovery
 * reads so, for a disk that fails under a map would end the process.
 */
static napi_value lend(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  lookup *self = begin(env, info, 2, arguments);
  uint32_t slot;
  int32_t fd;
  if (self == NULL || !number_of(env, arguments[0], &slot)) return NULL;
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
  dle_map *shown = hint;
  napi_adjust_external_memory(env, (int64_t)shown->size, &total);
  dle_map_release(shown);
}

/*
 * show(slot): an ArrayBuffer of the map, which lives as long as that is held; undefined if there is
 * none, or it has been shown before.
 */
static napi_value show(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  lookup *self = begin(env, info, 1, arguments);
  uint32_t slot;
  if (self == NULL || !number_of(env, arguments[0], &slot)) return NULL;
  if (slot >= self->index.map_count || self->index.maps[slot] == NULL) return NULL;
  dle_map *shown = self->index.maps[slot];
  /* V8 ends the process if two buffers share an address. */
  if (shown->shown) return NULL;
  shown->shown = 1;
  shown->holders++;
  napi_value buffer;
  napi_status status =
      napi_create_external_arraybuffer(env, shown->base, shown->size, release_shown, shown, &buffer);
  if (status != napi_ok) {
    dle_map_release(shown);
    return NULL;
  }
  /* Mapped is not taken: the collector must not hurry because of it. */
  int64_t total;
  napi_adjust_external_memory(env, -(int64_t)shown->size, &total);
  return buffer;
}

/* get(key, target, at): length of the value that was copied, or ABSENT, or ASK. */
static napi_value get(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  lookup *self = begin(env, info, 3, arguments);
  uint8_t *key, *target;
  size_t key_length, target_length;
  uint32_t at;
  if (self == NULL || !bytes_of(env, arguments[0], &key, &key_length)) return NULL;
  if (!bytes_of(env, arguments[1], &target, &target_length)) return NULL;
  if (!number_of(env, arguments[2], &at)) return NULL;
  dle_record record;
  uint32_t slot;
  size_t offset;
  int64_t length = dle_find(&self->index, key, key_length, &record, &slot, &offset);
  if (length > 0) {
    if (at > target_length || (size_t)length > target_length - at) return integer(env, DLE_ASK);
    memcpy(target + at, record.value, (size_t)length);
  }
  return integer(env, (int32_t)length);
}

/* locate(key): as get, but says where the value lies: results[0] the slot, results[1] the offset. */
static napi_value locate(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  lookup *self = begin(env, info, 1, arguments);
  uint8_t *key;
  size_t key_length, offset;
  if (self == NULL || !bytes_of(env, arguments[0], &key, &key_length)) return NULL;
  dle_record record;
  uint32_t slot;
  int64_t length = dle_find(&self->index, key, key_length, &record, &slot, &offset);
  if (length >= 0) {
    self->results[0] = slot;
    self->results[1] = (uint32_t)offset;
  }
  return integer(env, (int32_t)length);
}

/* One put of a group. */
typedef struct {
  const uint8_t *key;
  size_t key_length;
  uint32_t offset;
  uint32_t hash;
  uint32_t next;
} pending_put;

/*
 * Puts a group, in order. Returns how many were put: fewer if TypeScript has to look at the next.
 * The directory and the buckets are on their way into the cache when they are needed.
 */
static int put_group(dle_index *index, pending_put *puts, int count, uint32_t slot,
                     uint32_t *added) {
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
  for (int put = 0; put < count; put++) {
    int outcome = dle_put(index, puts[put].hash, puts[put].key, puts[put].key_length, slot,
                          puts[put].offset);
    if (outcome == DLE_ASK) return put;
    *added += (uint32_t)outcome;
  }
  return count;
}

/*
 * What lies at `from`, if it is a put; its end, or 0 if it is something else. Both walk over bytes
 * that TypeScript has made or verified; they are held against `to` all the same.
 */
typedef uint32_t (*read_put)(const uint8_t *bytes, uint32_t from, uint32_t to, pending_put *put);

static uint32_t read_record(const uint8_t *bytes, uint32_t from, uint32_t to, pending_put *put) {
  const uint8_t *at = bytes + from;
  if (to - from < RECORD_HEADER || at[3] != RECORD_PUT) return 0;
  put->key = at + RECORD_HEADER;
  put->key_length = read16(at + 6);
  put->offset = from;
  size_t length = record_bytes(put->key_length, read32(at + 8));
  return length > to - from ? 0 : from + (uint32_t)length;
}

static uint32_t read_directory_entry(const uint8_t *bytes, uint32_t from, uint32_t to,
                                     pending_put *put) {
  const uint8_t *at = bytes + from;
  if (to - from < DIRECTORY_ENTRY || at[14] != RECORD_PUT) return 0;
  put->key = at + DIRECTORY_ENTRY;
  put->key_length = read16(at + 12);
  put->offset = read32(at) * OFFSET_STEP;
  size_t length = DIRECTORY_ENTRY + ((put->key_length + 3) & ~(size_t)3);
  return length > to - from ? 0 : from + (uint32_t)length;
}

/*
 * (bytes, from, to, slot, shift): puts what lies one after the other in `bytes`, `shift` bytes
 * further on in the segment at `slot`. Returns where it stopped: `to`, or at what TypeScript has to
 * do; results[0]: how many keys are new.
 */
static napi_value put_all(napi_env env, napi_callback_info info, read_put read) {
  napi_value arguments[5];
  lookup *self = begin(env, info, 5, arguments);
  uint8_t *bytes;
  size_t length;
  uint32_t numbers[3];
  int32_t shift;
  if (self == NULL || !bytes_of(env, arguments[0], &bytes, &length)) return NULL;
  for (int place = 0; place < 3; place++) {
    if (!number_of(env, arguments[place + 1], &numbers[place])) return NULL;
  }
  if (napi_get_value_int32(env, arguments[4], &shift) != napi_ok) return NULL;
  uint32_t from = numbers[0], to = numbers[1], slot = numbers[2], added = 0;
  if (to > length || self->index.directory == NULL) to = from;
  while (from < to) {
    pending_put puts[GROUP];
    int count = 0;
    for (uint32_t at = from; count < GROUP && at < to; count++) {
      at = read(bytes, at, to, &puts[count]);
      if (at == 0) break;
      puts[count].offset += (uint32_t)shift;
      puts[count].next = at;
    }
    int done = put_group(&self->index, puts, count, slot, &added);
    if (done > 0) from = puts[done - 1].next;
    if (done < GROUP) break;
  }
  self->results[0] = added;
  return integer(env, (int32_t)from);
}

static napi_value put_records(napi_env env, napi_callback_info info) {
  return put_all(env, info, read_record);
}

static napi_value put_directory_entries(napi_env env, napi_callback_info info) {
  return put_all(env, info, read_directory_entry);
}

/* beginMerge(sources): of so many key directories; 0 ends it. */
static napi_value begin_merge(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  lookup *self = begin(env, info, 1, arguments);
  uint32_t sources;
  if (self == NULL || !number_of(env, arguments[0], &sources)) return NULL;
  dle_merge_free(self->merge);
  self->merge = sources == 0 ? NULL : dle_merge_create(sources);
  if (self->merge == NULL && sources > 0) napi_throw_error(env, NULL, "out of memory");
  return NULL;
}

/* fillMerge(source, bytes, from, to, slot, firstIndex): the caller keeps `bytes` until the next. */
static napi_value fill_merge(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  lookup *self = begin(env, info, 6, arguments);
  uint8_t *bytes;
  size_t length;
  uint32_t source, from, to;
  dle_cursor cursor;
  if (self == NULL || !number_of(env, arguments[0], &source)) return NULL;
  if (!bytes_of(env, arguments[1], &bytes, &length)) return NULL;
  if (!number_of(env, arguments[2], &from) || !number_of(env, arguments[3], &to)) return NULL;
  if (!number_of(env, arguments[4], &cursor.slot)) return NULL;
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
static napi_value run_merge(napi_env env, napi_callback_info info) {
  lookup *self = begin(env, info, 0, NULL);
  if (self == NULL || self->merge == NULL || self->index.directory == NULL) {
    napi_throw_error(env, NULL, "no merge has begun");
    return NULL;
  }
  self->results[0] = 0;
  return integer(env, dle_merge_run(self->merge, &self->index, &self->results[0],
                                    &self->results[1]));
}

/* release(): lets go of all maps and pages; everything is ASK from then on. */
static napi_value release(napi_env env, napi_callback_info info) {
  lookup *self = begin(env, info, 0, NULL);
  if (self != NULL) release_all(env, self);
  return NULL;
}

static napi_value create_lookup(napi_env env, napi_callback_info info) {
  static const struct {
    const char *name;
    napi_callback call;
  } functions[] = {
      {"setDirectory", set_directory}, {"addSlab", add_slab},
      {"map", map},                    {"lend", lend},
      {"show", show},
      {"get", get},                    {"locate", locate},
      {"putRecords", put_records},     {"putDirectoryEntries", put_directory_entries},
      {"beginMerge", begin_merge},     {"fillMerge", fill_merge},
      {"runMerge", run_merge},         {"release", release},
  };
  napi_value arguments[3];
  size_t given = 3, length;
  uint8_t *results;
  lookup *self = calloc(1, sizeof *self);
  napi_get_cb_info(env, info, &given, arguments, NULL, NULL);
  if (self == NULL || given < 3 || !number_of(env, arguments[0], &self->index.seed_low) ||
      !number_of(env, arguments[1], &self->index.seed_high) ||
      !bytes_of(env, arguments[2], &results, &length)) {
    free(self);
    return NULL;
  }
  self->results = (uint32_t *)results;
  napi_create_reference(env, arguments[2], 1, &self->results_reference);
  napi_value object;
  napi_create_object(env, &object);
  for (size_t place = 0; place < sizeof functions / sizeof functions[0]; place++) {
    napi_value function;
    napi_create_function(env, functions[place].name, NAPI_AUTO_LENGTH, functions[place].call, self,
                         &function);
    napi_add_finalizer(env, function, self, finalize, NULL, NULL);
    self->functions++;
    napi_set_named_property(env, object, functions[place].name, function);
  }
  return object;
}

static void release_slab(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  munmap(data, SLAB_BYTES);
}

/*
 * slab(huge): zeroed memory for pages of the index, in which buckets do not straddle cache lines.
 * `huge`: a random access then seldom waits for the page table. undefined if there is none.
 */
static napi_value slab(napi_env env, napi_callback_info info) {
  napi_value arguments[1], buffer;
  size_t given = 1;
  bool huge = false;
  napi_get_cb_info(env, info, &given, arguments, NULL, NULL);
  if (given == 1) napi_get_value_bool(env, arguments[0], &huge);
  /* Twice as much, so that an aligned piece lies in it; the rest is given back. */
  uint8_t *base = mmap(NULL, 2 * SLAB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
  if (base == MAP_FAILED) return NULL;
  size_t before = (size_t)(-(uintptr_t)base & (SLAB_BYTES - 1));
  uint8_t *aligned = base + before;
  if (before > 0) munmap(base, before);
  munmap(aligned + SLAB_BYTES, SLAB_BYTES - before);
#ifdef MADV_HUGEPAGE
  if (huge) madvise(aligned, SLAB_BYTES, MADV_HUGEPAGE);
#endif
  if (napi_create_external_arraybuffer(env, aligned, SLAB_BYTES, release_slab, NULL, &buffer) !=
      napi_ok) {
    munmap(aligned, SLAB_BYTES);
    return NULL;
  }
  return buffer;
}

napi_status dle_lookup_init(napi_env env, napi_value exports) {
  napi_property_descriptor properties[] = {
      {"createLookup", NULL, create_lookup, NULL, NULL, NULL, napi_default, NULL},
      {"slab", NULL, slab, NULL, NULL, NULL, napi_default, NULL},
  };
  return napi_define_properties(env, exports, 2, properties);
}
