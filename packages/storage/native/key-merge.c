#include "key-merge.h"

size_t dle_key_merge_size(uint32_t sources) {
  return sources * (sizeof(dle_key_cursor) + sizeof(uint32_t));
}

void dle_key_merge_begin(dle_key_merge *merge, void *memory, uint32_t sources, uint32_t reverse) {
  merge->cursors = memory;
  merge->heap = (uint32_t *)(merge->cursors + sources);
  merge->heap_size = 0;
  merge->reverse = reverse != 0;
  merge->common = UINT32_MAX;
  merge->last = NULL;
}

/* By key; of the same key the newest first, and of the same record that of the first source. */
static int precedes(const dle_key_merge *merge, uint32_t a, uint32_t b) {
  const dle_key_cursor *one = &merge->cursors[a];
  const dle_key_cursor *other = &merge->cursors[b];
  if (one->head != other->head) return (uint32_t)(one->head > other->head) == merge->reverse;
  int order = compare_keys(one->entry + ENTRY, key_length(one->entry), other->entry + ENTRY,
                           key_length(other->entry));
  if (order != 0) return (uint32_t)(order > 0) == merge->reverse;
  uint64_t index = cursor_index(one), other_index = cursor_index(other);
  return index == other_index ? a < b : index > other_index;
}

static void sink(dle_key_merge *merge) {
  uint32_t *heap = merge->heap;
  uint32_t size = merge->heap_size, parent = 0, source = heap[0];
  for (uint32_t child; (child = 2 * parent + 1) < size; parent = child) {
    if (child + 1 < size && precedes(merge, heap[child + 1], heap[child])) child++;
    if (!precedes(merge, heap[child], source)) break;
    heap[parent] = heap[child];
  }
  heap[parent] = source;
}

/* The order of heads is that of the keys, unless they are the same. */
static uint64_t head_of(const dle_key_merge *merge, const uint8_t *entry) {
  const uint8_t *rest = entry + ENTRY + merge->common;
  size_t length = key_length(entry) - merge->common;
  if (length >= 8) {
    return (uint64_t)rest[0] << 56 | (uint64_t)rest[1] << 48 | (uint64_t)rest[2] << 40 |
           (uint64_t)rest[3] << 32 | (uint64_t)rest[4] << 24 | (uint64_t)rest[5] << 16 |
           (uint64_t)rest[6] << 8 | rest[7];
  }
  uint64_t head = 0;
  for (size_t at = 0; at < 8; at++) head = head << 8 | (at < length ? rest[at] : 0);
  return head;
}

static void move_to(const dle_key_merge *merge, dle_key_cursor *cursor, uint32_t place) {
  cursor->place = place;
  cursor->entry = dle_entry_at(cursor, place);
  cursor->head = head_of(merge, cursor->entry);
}

/* Leaves in common what the key of `entry` has as well. */
static void share(dle_key_merge *merge, const uint8_t *entry) {
  size_t length = key_length(entry);
  if (merge->common == UINT32_MAX) {
    merge->common = length < MAX_COMMON ? (uint32_t)length : MAX_COMMON;
    memcpy(merge->common_bytes, entry + ENTRY, merge->common);
  }
  uint32_t common = 0;
  while (common < merge->common && common < length &&
         entry[ENTRY + common] == merge->common_bytes[common]) {
    common++;
  }
  merge->common = common;
}

/* What the first and the last key of a block have in common, all between them have. */
static void share_block(dle_key_merge *merge, const dle_key_cursor *cursor) {
  uint32_t before = merge->common;
  share(merge, dle_entry_at(cursor, 0));
  share(merge, dle_entry_at(cursor, cursor->count - 1));
  if (merge->common == before) return;
  for (uint32_t at = 0; at < merge->heap_size; at++) {
    dle_key_cursor *other = &merge->cursors[merge->heap[at]];
    other->head = head_of(merge, other->entry);
  }
}

void dle_key_merge_fill(dle_key_merge *merge, uint32_t source, dle_key_cursor cursor) {
  uint32_t *heap = merge->heap;
  share_block(merge, &cursor);
  move_to(merge, &cursor, cursor.place);
  merge->cursors[source] = cursor;
  uint32_t child = merge->heap_size++;
  for (; child > 0; child = (child - 1) / 2) {
    uint32_t parent = heap[(child - 1) / 2];
    if (!precedes(merge, source, parent)) break;
    heap[child] = parent;
  }
  heap[child] = source;
}

int dle_key_merge_advance(dle_key_merge *merge) {
  dle_key_cursor *cursor = dle_key_merge_top(merge);
  uint32_t next = cursor->place + (merge->reverse ? UINT32_MAX : 1);
  int has_more = next < cursor->count;
  if (has_more) move_to(merge, cursor, next);
  else merge->heap[0] = merge->heap[--merge->heap_size];
  if (merge->heap_size > 1) sink(merge);
  return has_more;
}

int dle_key_merge_repeats(dle_key_merge *merge) {
  const dle_key_cursor *cursor = dle_key_merge_top(merge);
  const uint8_t *key = cursor->entry + ENTRY;
  size_t length = key_length(cursor->entry);
  int differs = merge->last_common == merge->common && merge->last_head != cursor->head;
  if (merge->last != NULL && !differs && merge->last_length == length &&
      memcmp(merge->last, key, length) == 0) {
    return 1;
  }
  merge->last = key;
  merge->last_length = length;
  merge->last_head = cursor->head;
  merge->last_common = merge->common;
  return 0;
}
