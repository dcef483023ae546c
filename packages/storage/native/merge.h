#ifndef DLE_MERGE_H
#define DLE_MERGE_H

#include "index.h"

enum {
  /* Nothing is left of any source. */
  DLE_MERGE_DONE = -1,
  /* The page of a key is full: TypeScript splits it. */
  DLE_MERGE_SPLIT = -2,
  DLE_MERGE_GROUP = 32,
};

/* A source, at one of its entries. */
typedef struct {
  const uint8_t *at;
  const uint8_t *end;
  uint32_t slot;
  double first_index;
} dle_cursor;

/* A key that is to be added, where its bucket is on its way into the cache. */
typedef struct {
  uint32_t hash;
  uint32_t slot;
  uint32_t offset;
} dle_addition;

/* A merge of sorted key directories: src/directory/block-merge.ts has what it does. */
typedef struct {
  dle_cursor *cursors;
  uint32_t count;
  /* Numbers of the sources that have an entry, as a binary heap. */
  uint32_t *heap;
  uint32_t heap_size;
  uint8_t last_key[MAX_KEY];
  size_t last_length;
  int has_last;
  dle_addition additions[DLE_MERGE_GROUP];
  int added;
  int pending;
} dle_merge;

/* NULL if there is no memory. */
dle_merge *dle_merge_create(uint32_t count);
void dle_merge_free(dle_merge *merge);

/* `source` goes on with the entries from `at` to `end`. */
void dle_merge_fill(dle_merge *merge, uint32_t source, dle_cursor cursor);

/*
 * Adds keys to an index in which none of them is yet, until a source has to be filled, and returns
 * that; or DLE_MERGE_DONE, or DLE_MERGE_SPLIT and the hash of the key in question.
 */
int32_t dle_merge_run(dle_merge *merge, dle_index *index, uint32_t *added, uint32_t *hash);

#endif
