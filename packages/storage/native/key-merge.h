#ifndef DLE_KEY_MERGE_H
#define DLE_KEY_MERGE_H

#include "entry.h"

/* A source, at one of the entries of its block. */
typedef struct {
  const uint8_t *entry;
  const uint8_t *block;
  /* Where each entry begins in the block: the last bytes of it. */
  const uint8_t *places;
  uint64_t first_index;
  /* The next bytes of its key behind those that all keys have in common. */
  uint64_t head;
  uint32_t place;
  uint32_t count;
  uint32_t slot;
} dle_key_cursor;

enum { MAX_COMMON = 64 };

/*
 * Sources of keys side by side, forwards or backwards: src/ordered/entry-merge.ts does the same.
 * Whoever holds it keeps the blocks.
 */
typedef struct {
  /* One for each source. */
  dle_key_cursor *cursors;
  /* The sources that have an entry. */
  uint32_t *heap;
  uint32_t heap_size;
  uint32_t reverse;
  /* Bytes with which all keys of the blocks begin: what follows is enough for most comparisons. */
  uint32_t common;
  uint8_t common_bytes[MAX_COMMON];
  /* The key that was noted last, if there was one. */
  const uint8_t *last;
  size_t last_length;
  uint64_t last_head;
  uint32_t last_common;
} dle_key_merge;

/* What the cursors and the heap of so many sources take. */
size_t dle_key_merge_size(uint32_t sources);

/* With `memory` of that size, aligned to 8 bytes. */
void dle_key_merge_begin(dle_key_merge *merge, void *memory, uint32_t sources, uint32_t reverse);

/* `source`, which has none, goes on with the entry `place` of the cursor. */
void dle_key_merge_fill(dle_key_merge *merge, uint32_t source, dle_key_cursor cursor);

/* Goes on behind the entry at the top; 0 if that was the last of its block: it has none now. */
int dle_key_merge_advance(dle_key_merge *merge);

static inline const uint8_t *dle_entry_at(const dle_key_cursor *cursor, uint32_t place) {
  return cursor->block + read16(cursor->places + PLACE * (size_t)place) * PLACE_STEP;
}

static inline uint32_t dle_key_merge_source(const dle_key_merge *merge) { return merge->heap[0]; }

/* The one that comes first: of a key the newest record. */
static inline dle_key_cursor *dle_key_merge_top(const dle_key_merge *merge) {
  return &merge->cursors[merge->heap[0]];
}

/* Whether the key at the top is the one that was noted last; if not, it is that from now on. */
int dle_key_merge_repeats(dle_key_merge *merge);

static inline uint64_t cursor_index(const dle_key_cursor *cursor) {
  return cursor->first_index + relative_index(cursor->entry);
}

#endif
