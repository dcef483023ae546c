#ifndef DLE_INDEX_H
#define DLE_INDEX_H

#include <node_api.h>

#include "record.h"

/*
 * The pages of a KeyIndex (src/key-index/index-page.ts has the picture), and the maps of the
 * segments that its positions lead to. The pages belong to TypeScript, which splits them; what is
 * here finds entries, and puts new ones where there is room.
 */
enum {
  TAG_BITS = 18,
  DISTANCES = 8,
  HIGH_SLOT_BITS = 11,
  LOW_SLOT_BITS = 5,
  OFFSET_BITS = 27,
  OFFSET_STEP = 8,
  HOME_BUCKETS = 1024,
  BUCKET_WORDS = 16,
  PAGE_WORDS = (HOME_BUCKETS + DISTANCES - 1) * BUCKET_WORDS,
  SLAB_BYTES = 4 * 1024 * 1024,
  SLAB_PAGES = SLAB_BYTES / (PAGE_WORDS * 4),
  MAX_SLOTS = 65536,
};

/* The bits of a hash that an entry knows: its tag, and its home bucket by where it lies. */
#define TAG_AND_HOME (~((1u << (32 - TAG_BITS)) - 1) | (HOME_BUCKETS - 1))

/* A mapped file. Unmapped when nobody holds it: neither a slot nor a buffer shown to JavaScript. */
typedef struct {
  uint8_t *base;
  size_t size;
  int holders;
  /* Bytes of it that JavaScript has been given a buffer of; 0: none yet. */
  size_t shown;
} dle_map;

dle_map *dle_map_file(int fd, size_t size);
void dle_map_release(dle_map *map);

typedef struct {
  uint32_t seed_low;
  uint32_t seed_high;
  const uint32_t *directory;
  uint32_t depth;
  uint32_t **slabs;
  uint32_t slab_count;
  dle_map **maps;
  uint32_t map_count;
  /* While a store recovers: descriptors by slot, -1 where there is none, and what was read last. */
  int *descriptors;
  uint32_t descriptor_count;
  uint8_t head[RECORD_HEADER + MAX_KEY];
  /* Bytes that count of each segment, by slots, and behind those its deletes (LiveBytes). */
  double *live;
} dle_index;

uint32_t dle_hash(const dle_index *index, const uint8_t *key, size_t length);

enum {
  /* There is no such key. */
  DLE_ABSENT = -1,
  /* Something is out of the ordinary (damage, no map, no room): TypeScript decides. */
  DLE_ASK = -2,
};

/* Where a search is, and its candidate. */
typedef struct {
  uint32_t *bucket;
  uint32_t *entry;
  uint32_t signature;
  int distance;
} dle_search;

void dle_search_begin(const dle_index *index, uint32_t hash, dle_search *search);
/* The next entry that has the tag; NULL if there is none. */
uint32_t *dle_search_next(dle_search *search);

/*
 * The header and key of the record that the entry leads to: mapped or, while a store recovers,
 * read. NULL if neither can be.
 */
const uint8_t *dle_entry_head(dle_index *index, const uint32_t *entry, dle_record *record);

/* What the entry leads to: NULL if its segment is not mapped that far. */
const uint8_t *dle_entry_record(const dle_index *index, const uint32_t *entry, size_t *available);
uint32_t dle_entry_slot(const uint32_t *entry);

/*
 * Finds the record of `key`, verified. Returns the length of the value, DLE_ABSENT, or DLE_ASK.
 */
int64_t dle_find(const dle_index *index, const uint8_t *key, size_t length, dle_record *record,
                 uint32_t *slot, size_t *offset);

/*
 * Has `key` lead to `offset` of the segment at `slot`, where a record of `bytes` lies. Returns 1 if
 * it is new, 0 if it led somewhere else before, DLE_ASK if its page is full or an old record cannot
 * be looked at.
 */
int dle_put(dle_index *index, uint32_t hash, const uint8_t *key, size_t length, uint32_t slot,
            uint32_t offset, uint32_t bytes);

/* Adds a key that is not there yet. 0 if its page is full. */
int dle_add(dle_index *index, uint32_t hash, uint32_t slot, uint32_t offset);

#endif
