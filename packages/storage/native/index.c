#define _GNU_SOURCE
#include "index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static inline uint32_t rotate(uint32_t word, int by) { return word << by | word >> (32 - by); }

/* HalfSipHash-1-3: src/key-index/half-sip-hash.ts. */
uint32_t dle_hash(const dle_index *index, const uint8_t *key, size_t length) {
  uint32_t v0 = index->seed_low, v1 = index->seed_high;
  uint32_t v2 = 0x6c796765 ^ v0, v3 = 0x74656462 ^ v1;
#define ROUND                                   \
  do {                                          \
    v0 += v1, v1 = rotate(v1, 5) ^ v0;          \
    v0 = rotate(v0, 16);                        \
    v2 += v3, v3 = rotate(v3, 8) ^ v2;          \
    v0 += v3, v3 = rotate(v3, 7) ^ v0;          \
    v2 += v1, v1 = rotate(v1, 13) ^ v2;         \
    v2 = rotate(v2, 16);                        \
  } while (0)
  size_t whole = length & ~(size_t)3;
  for (size_t at = 0; at < whole; at += 4) {
    uint32_t word = read32(key + at);
    v3 ^= word;
    ROUND;
    v0 ^= word;
  }
  uint32_t last = (uint32_t)length << 24;
  for (size_t at = whole; at < length; at++) last |= (uint32_t)key[at] << (8 * (at - whole));
  v3 ^= last;
  ROUND;
  v0 ^= last;
  v2 ^= 0xff;
  ROUND;
  ROUND;
  ROUND;
#undef ROUND
  return v1 ^ v3;
}

void dle_search_begin(const dle_index *index, uint32_t hash, dle_search *search) {
  uint32_t page = index->directory[hash >> (32 - index->depth)];
  uint32_t *words = index->slabs[page / SLAB_PAGES] + (size_t)(page % SLAB_PAGES) * PAGE_WORDS;
  search->bucket = words + (hash & (HOME_BUCKETS - 1)) * BUCKET_WORDS;
  search->entry = search->bucket;
  search->signature = (hash >> (32 - TAG_BITS)) * DISTANCES;
  search->distance = 0;
}

uint32_t *dle_search_next(dle_search *search) {
  for (;;) {
    uint32_t *end = search->bucket + BUCKET_WORDS;
    while (search->entry < end) {
      uint32_t *entry = search->entry;
      if (entry[0] == 0) return NULL;
      search->entry += 2;
      if (entry[1] >> HIGH_SLOT_BITS == search->signature) return entry;
    }
    if (++search->distance == DISTANCES) return NULL;
    search->signature++;
    search->bucket = end;
  }
}

static size_t entry_offset(const uint32_t *entry) {
  return (size_t)(entry[0] & ((1u << OFFSET_BITS) - 1)) * OFFSET_STEP;
}

uint32_t dle_entry_slot(const uint32_t *entry) {
  return (entry[1] & ((1u << HIGH_SLOT_BITS) - 1)) << LOW_SLOT_BITS | entry[0] >> OFFSET_BITS;
}

const uint8_t *dle_entry_record(const dle_index *index, const uint32_t *entry, size_t *available) {
  uint32_t slot = dle_entry_slot(entry);
  if (slot >= index->map_count) return NULL;
  const dle_map *map = index->maps[slot];
  size_t offset = entry_offset(entry);
  if (map == NULL || offset >= map->size) return NULL;
  *available = map->size - offset;
  return map->base + offset;
}

const uint8_t *dle_entry_head(dle_index *index, const uint32_t *entry, dle_record *record) {
  size_t available;
  const uint8_t *at = dle_entry_record(index, entry, &available);
  if (at == NULL) {
    uint32_t slot = dle_entry_slot(entry);
    if (slot >= index->descriptor_count || index->descriptors[slot] < 0) return NULL;
    ssize_t count = pread(index->descriptors[slot], index->head, sizeof index->head,
                          (off_t)entry_offset(entry));
    if (count < RECORD_HEADER) return NULL;
    at = index->head;
    /* The value may lie beyond what was read: only the key is wanted. */
    if (!dle_read_header(at, SIZE_MAX, record)) return NULL;
    return (size_t)count < RECORD_HEADER + record->key_length ? NULL : at;
  }
  return dle_read_header(at, available, record) ? at : NULL;
}

int64_t dle_find(const dle_index *index, const uint8_t *key, size_t length, dle_record *record,
                 uint32_t *slot, size_t *offset) {
  if (index->directory == NULL) return DLE_ASK;
  dle_search search;
  uint32_t hash = dle_hash(index, key, length);
  dle_search_begin(index, hash, &search);
  for (uint32_t *entry; (entry = dle_search_next(&search)) != NULL;) {
    size_t available;
    const uint8_t *at = dle_entry_record(index, entry, &available);
    if (at == NULL) return DLE_ASK;
    /* The next cache lines of the record come while the first is being checked. */
    __builtin_prefetch(at + 64);
    __builtin_prefetch(at + 128);
    __builtin_prefetch(at + 192);
    if (!dle_read_header(at, available, record) || !dle_payload_is_intact(at, record)) {
      return DLE_ASK;
    }
    if (record->key_length != length || memcmp(record->key, key, length) != 0) {
      /* Another key that may be taken for this one; or a record that is not what was put there. */
      uint32_t differs = dle_hash(index, record->key, record->key_length) ^ hash;
      if ((differs & TAG_AND_HOME) != 0) return DLE_ASK;
      continue;
    }
    *slot = dle_entry_slot(entry);
    *offset = (size_t)(record->value - index->maps[*slot]->base);
    return record->value_length;
  }
  return DLE_ABSENT;
}

static void set_position(uint32_t *entry, uint32_t signature, uint32_t slot, uint32_t offset) {
  entry[0] = slot << OFFSET_BITS | offset / OFFSET_STEP;
  entry[1] = signature << HIGH_SLOT_BITS | slot >> LOW_SLOT_BITS;
}

int dle_put(dle_index *index, uint32_t hash, const uint8_t *key, size_t length, uint32_t slot,
            uint32_t offset, uint32_t bytes) {
  dle_search search;
  dle_search_begin(index, hash, &search);
  for (uint32_t *entry; (entry = dle_search_next(&search)) != NULL;) {
    dle_record record;
    const uint8_t *at = dle_entry_head(index, entry, &record);
    if (at == NULL) return DLE_ASK;
    if (record.key_length != length || memcmp(record.key, key, length) != 0) {
      /* As in dle_find: taken at its word only if it is whole, and may be taken for this one. */
      uint32_t differs = dle_hash(index, record.key, record.key_length) ^ hash;
      int is_whole = at == index->head || dle_payload_is_intact(at, &record);
      if (!is_whole || (differs & TAG_AND_HOME) != 0) return DLE_ASK;
      continue;
    }
    index->live[dle_entry_slot(entry)] -= record_bytes(record.key_length, record.value_length);
    index->live[slot] += bytes;
    set_position(entry, search.signature, slot, offset);
    return 0;
  }
  /* The search has ended at the first free entry, or at the end of the last bucket. */
  if (search.distance == DISTANCES) return DLE_ASK;
  index->live[slot] += bytes;
  set_position(search.entry, search.signature, slot, offset);
  return 1;
}

int dle_add(dle_index *index, uint32_t hash, uint32_t slot, uint32_t offset) {
  dle_search search;
  dle_search_begin(index, hash, &search);
  while (dle_search_next(&search) != NULL) continue;
  if (search.distance == DISTANCES) return 0;
  set_position(search.entry, search.signature, slot, offset);
  return 1;
}

dle_map *dle_map_file(int fd, size_t size) {
  dle_map *map = malloc(sizeof *map);
  if (map == NULL) return NULL;
  /* Private and writable: a stray store into a view harms neither the file nor the process. */
  int flags = MAP_PRIVATE;
#ifdef MAP_NORESERVE
  flags |= MAP_NORESERVE;
#endif
  /* Not advised: told that reads are random, Linux fetches what is not in memory page by page. */
  map->base = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (map->base == MAP_FAILED) {
    free(map);
    return NULL;
  }
  map->size = size;
  map->holders = 1;
  map->shown = 0;
  return map;
}

void dle_map_release(dle_map *map) {
  if (--map->holders > 0) return;
  munmap(map->base, map->size);
  free(map);
}
