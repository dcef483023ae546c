#ifndef DLE_RUN_H
#define DLE_RUN_H

#include "entry.h"

/*
 * Keys in memory, in blocks as of a key directory but without checksums, one behind the other. The
 * last one ends where its places do. Each knows the index from which those of its entries are
 * counted. src/ordered/memory-run.ts has the same.
 */
enum { RUN_FIRST_INDEX = 8 };

/* An entry of a run, and where its key is. */
typedef struct {
  const uint8_t *key;
  size_t key_length;
  uint64_t index;
  uint32_t place_of_record;
  uint32_t length_and_kind;
} dle_run_entry;

/* Makes a run of entries that come in their order. With no target it says how long that is. */
typedef struct {
  uint8_t *target;
  size_t size;
  uint64_t first_index;
  /* Where the block begins that is being filled, and how much of it is. */
  size_t block;
  size_t used;
  uint32_t count;
  uint16_t places[BLOCK / ENTRY];
} dle_run_writer;

/* `target` has room for `size` bytes. No index is lower than `first_index`. */
void dle_run_begin(dle_run_writer *writer, uint8_t *target, size_t size, uint64_t first_index);
/* Whether a key of that length goes into the block that is being filled. */
int dle_run_has_room(const dle_run_writer *writer, size_t key_length);
/* The places of the block that is done begin at `places` of it. 0 if there is no room. */
int dle_run_seal(dle_run_writer *writer, size_t places);
/* 0 if there is no room. */
int dle_run_add(dle_run_writer *writer, const dle_run_entry *entry);
/* The length of all; 0 if there was no room. */
size_t dle_run_end(dle_run_writer *writer);

#endif
