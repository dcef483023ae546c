#ifndef DLE_ENTRY_H
#define DLE_ENTRY_H

#include <string.h>

#include "record.h"

/* A block of a key directory and its entries (docs/format.md; src/directory/directory-block.ts). */
enum {
  BLOCK = 16384,
  BLOCK_HEADER = 40,
  BLOCK_COUNT = 20,
  BLOCK_LENGTH = 24,
  /* Where each entry begins, in steps of four bytes. */
  PLACE = 2,
  PLACE_STEP = 4,
  ENTRY = 16,
  ENTRY_INDEX = 4,
  ENTRY_KEY_LENGTH = 10,
  ENTRY_VALUE_LENGTH = 12,
  ENTRY_KIND = 15,
};

static inline size_t key_length(const uint8_t *entry) { return read16(entry + ENTRY_KEY_LENGTH); }

static inline uint32_t value_length(const uint8_t *entry) {
  return read32(entry + ENTRY_VALUE_LENGTH) & 0xffffff;
}

/* Counted from the first index of its block. */
static inline uint64_t relative_index(const uint8_t *entry) {
  return read32(entry + ENTRY_INDEX) | (uint64_t)read16(entry + ENTRY_INDEX + 4) << 32;
}

static inline size_t entry_bytes(size_t key_length) {
  return ENTRY + ((key_length + 3) & ~(size_t)3);
}

static inline int compare_keys(const uint8_t *a, size_t a_length, const uint8_t *b,
                               size_t b_length) {
  int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
  if (order != 0) return order;
  return (a_length > b_length) - (a_length < b_length);
}

#endif
