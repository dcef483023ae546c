#ifndef DLE_SORT_H
#define DLE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* A key, and where it begins. */
typedef struct {
  uint32_t start;
  uint32_t length;
  /* The first bytes of the key that are not the same in all, so that few comparisons go further. */
  uint64_t head;
} dle_sortable;

/* Sorts keys, in steps, and leaves of each only the one that was added last. */
typedef struct {
  /* What `start` counts from. */
  const uint8_t *bytes;
  /* As many again as there are items lie behind them. */
  dle_sortable *items;
  uint32_t count;
  uint32_t step;
  /* Where they are meanwhile, and where there is room. */
  dle_sortable *sorted;
  dle_sortable *spare;
  /* Bits in which heads differ. */
  uint64_t different;
} dle_sort;

void dle_sort_begin(dle_sort *sort, const uint8_t *bytes, dle_sortable *items, uint32_t count);

/*
 * Goes on for some ten nanoseconds a key. 0 when it is done: `count` says how many are left. There
 * is one key at least.
 */
int dle_sort_step(dle_sort *sort);

#endif
