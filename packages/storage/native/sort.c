#include "sort.h"

#include "entry.h"

static const uint8_t *key_of(const dle_sort *sort, const dle_sortable *item) {
  return sort->bytes + item->start;
}

static int compare_items(const dle_sort *sort, const dle_sortable *a, const dle_sortable *b) {
  if (a->head != b->head) return a->head < b->head ? -1 : 1;
  return compare_keys(key_of(sort, a), a->length, key_of(sort, b), b->length);
}

/* A merge sort: it is stable, so that of two records of a key the later one stays the later. */
static void sort_keys(const dle_sort *sort, dle_sortable *items, dle_sortable *spare,
                      uint32_t count) {
  if (count < 2) return;
  uint32_t middle = count / 2;
  sort_keys(sort, items, spare, middle);
  sort_keys(sort, items + middle, spare, count - middle);
  if (compare_items(sort, &items[middle - 1], &items[middle]) <= 0) return;
  memcpy(spare, items, middle * sizeof *items);
  uint32_t left = 0, right = middle, at = 0;
  while (left < middle && right < count) {
    int takes_left = compare_items(sort, &spare[left], &items[right]) <= 0;
    items[at++] = takes_left ? spare[left++] : items[right++];
  }
  while (left < middle) items[at++] = spare[left++];
}

/* Bytes with which all keys begin. */
static uint32_t common_length(const dle_sort *sort) {
  const dle_sortable *items = sort->items;
  uint32_t common = items[0].length;
  const uint8_t *first = key_of(sort, &items[0]);
  for (uint32_t at = 1; at < sort->count && common > 0; at++) {
    const uint8_t *key = key_of(sort, &items[at]);
    uint32_t most = items[at].length < common ? items[at].length : common;
    for (common = 0; common < most && key[common] == first[common];) common++;
  }
  return common;
}

static void take_heads(dle_sort *sort) {
  uint32_t common = common_length(sort);
  for (uint32_t item = 0; item < sort->count; item++) {
    const uint8_t *key = key_of(sort, &sort->items[item]);
    uint64_t head = 0;
    for (uint32_t at = common; at < common + 8; at++) {
      head = head << 8 | (at < sort->items[item].length ? key[at] : 0);
    }
    sort->items[item].head = head;
    sort->different |= head ^ sort->items[0].head;
  }
}

/*
 * Sorts them by one byte of their heads: stable as well, and from the last byte to the first, but
 * for those that all of them have in common, several times as fast as comparing.
 */
static void sort_by_byte(dle_sort *sort, int shift) {
  if ((sort->different >> shift & 0xff) == 0) return;
  uint32_t count = sort->count;
  dle_sortable *from = sort->sorted, *to = sort->spare;
  uint32_t places[257] = {0};
  for (uint32_t at = 0; at < count; at++) places[(from[at].head >> shift & 0xff) + 1]++;
  for (int byte = 1; byte < 256; byte++) places[byte] += places[byte - 1];
  for (uint32_t at = 0; at < count; at++) to[places[from[at].head >> shift & 0xff]++] = from[at];
  sort->sorted = to;
  sort->spare = from;
}

/* Sorts those whose heads are the same. */
static void sort_ties(dle_sort *sort) {
  dle_sortable *items = sort->sorted;
  uint32_t count = sort->count;
  for (uint32_t at = 0, end; at < count; at = end) {
    for (end = at + 1; end < count && items[end].head == items[at].head;) end++;
    sort_keys(sort, items + at, sort->spare, end - at);
  }
}

static void keep_newest(dle_sort *sort) {
  const dle_sortable *items = sort->sorted;
  uint32_t kept = 0;
  for (uint32_t at = 0; at < sort->count; at++) {
    int is_last = at + 1 == sort->count || compare_items(sort, &items[at], &items[at + 1]) != 0;
    if (is_last) sort->items[kept++] = items[at];
  }
  sort->count = kept;
}

void dle_sort_begin(dle_sort *sort, const uint8_t *bytes, dle_sortable *items, uint32_t count) {
  *sort = (dle_sort){
      .bytes = bytes, .items = items, .count = count, .sorted = items, .spare = items + count};
}

int dle_sort_step(dle_sort *sort) {
  uint32_t step = sort->step++;
  if (step == 0) take_heads(sort);
  else if (step <= 8) sort_by_byte(sort, (int)(step - 1) * 8);
  else if (step == 9) sort_ties(sort);
  else keep_newest(sort);
  return step < 10;
}
