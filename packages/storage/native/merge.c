#include "merge.h"

#include <stdlib.h>

#include "entry.h"

dle_merge *dle_merge_create(uint32_t count) {
  dle_merge *merge = calloc(1, sizeof *merge);
  if (merge == NULL) return NULL;
  merge->cursors = calloc(count, sizeof *merge->cursors);
  merge->heap = calloc(count, sizeof *merge->heap);
  merge->count = count;
  if (merge->cursors != NULL && merge->heap != NULL) return merge;
  dle_merge_free(merge);
  return NULL;
}

void dle_merge_free(dle_merge *merge) {
  if (merge == NULL) return;
  free(merge->cursors);
  free(merge->heap);
  free(merge);
}

static double index_of(const dle_cursor *cursor) {
  return cursor->first_index + (double)relative_index(cursor->at);
}

/* By key; of the same key the newest first, and of the same record that of the first source. */
static int heap_precedes(const dle_merge *merge, uint32_t a, uint32_t b) {
  const dle_cursor *one = &merge->cursors[merge->heap[a]];
  const dle_cursor *other = &merge->cursors[merge->heap[b]];
  int order = compare_keys(one->at + ENTRY, key_length(one->at), other->at + ENTRY,
                           key_length(other->at));
  if (order != 0) return order < 0;
  double newer = index_of(one) - index_of(other);
  return newer == 0 ? merge->heap[a] < merge->heap[b] : newer > 0;
}

static void swap(uint32_t *heap, uint32_t a, uint32_t b) {
  uint32_t source = heap[a];
  heap[a] = heap[b];
  heap[b] = source;
}

static void sink(dle_merge *merge) {
  for (uint32_t parent = 0;;) {
    uint32_t least = parent;
    for (uint32_t child = 2 * parent + 1; child <= 2 * parent + 2; child++) {
      if (child < merge->heap_size && !heap_precedes(merge, least, child)) least = child;
    }
    if (least == parent) return;
    swap(merge->heap, parent, least);
    parent = least;
  }
}

void dle_merge_fill(dle_merge *merge, uint32_t source, dle_cursor cursor) {
  merge->cursors[source] = cursor;
  uint32_t child = merge->heap_size++;
  merge->heap[child] = source;
  while (child > 0) {
    uint32_t parent = (child - 1) / 2;
    if (heap_precedes(merge, parent, child)) return;
    swap(merge->heap, parent, child);
    child = parent;
  }
}

/* Adds what is pending. 0 if the page of the next one is full. */
static int add_pending(dle_merge *merge, dle_index *index, uint32_t *added) {
  while (merge->added < merge->pending) {
    const dle_addition *addition = &merge->additions[merge->added];
    if (!dle_add(index, addition->hash, addition->slot, addition->offset)) return 0;
    merge->added++;
    ++*added;
  }
  merge->added = merge->pending = 0;
  return 1;
}

/* Takes the entry at hand as the newest record of its key, unless that has been shown before. */
static void take(dle_merge *merge, dle_index *index, const dle_cursor *cursor) {
  const uint8_t *key = cursor->at + ENTRY;
  size_t length = key_length(cursor->at);
  int seen = merge->has_last &&
             compare_keys(merge->last_key, merge->last_length, key, length) == 0;
  if (seen) return;
  memcpy(merge->last_key, key, length);
  merge->last_length = length;
  merge->has_last = 1;
  double bytes = (double)record_bytes(length, value_length(cursor->at));
  /* A delete that is the newest leaves no key. */
  if (cursor->at[ENTRY_KIND] != RECORD_PUT) {
    index->live[MAX_SLOTS + cursor->slot] += bytes;
    return;
  }
  index->live[cursor->slot] += bytes;
  dle_addition *addition = &merge->additions[merge->pending++];
  addition->hash = dle_hash(index, key, length);
  addition->slot = cursor->slot;
  addition->offset = read32(cursor->at) * OFFSET_STEP;
  dle_search search;
  dle_search_begin(index, addition->hash, &search);
  __builtin_prefetch(search.bucket, 1);
}

int32_t dle_merge_run(dle_merge *merge, dle_index *index, uint32_t *added, uint32_t *hash) {
  for (;;) {
    int is_last = merge->heap_size == 0;
    if (is_last || merge->pending == DLE_MERGE_GROUP || merge->added > 0) {
      if (!add_pending(merge, index, added)) {
        *hash = merge->additions[merge->added].hash;
        return DLE_MERGE_SPLIT;
      }
      if (is_last) return DLE_MERGE_DONE;
    }
    uint32_t source = merge->heap[0];
    dle_cursor *cursor = &merge->cursors[source];
    take(merge, index, cursor);
    cursor->at += entry_bytes(key_length(cursor->at));
    if (cursor->at >= cursor->end) {
      merge->heap[0] = merge->heap[--merge->heap_size];
      if (merge->heap_size > 0) sink(merge);
      return (int32_t)source;
    }
    sink(merge);
  }
}
