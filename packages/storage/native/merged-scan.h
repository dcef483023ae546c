#ifndef DLE_MERGED_SCAN_H
#define DLE_MERGED_SCAN_H

#include "index.h"
#include "key-merge.h"

enum {
  /* Nothing is left. */
  DLE_MERGED_DONE = -1,
  /* As much has come as was asked for, or as is good for one page. */
  DLE_MERGED_MORE = -2,
  /* TypeScript has to read the next record: its segment is not mapped so far, or it is damaged. */
  DLE_MERGED_ASK = -3,

  /* Entries of a page, at most; and bytes, but for a single one that is larger. */
  DLE_MERGED_ENTRIES = 256,
  DLE_MERGED_BYTES = 32 * 1024,
};

/* What a scan does; src/native/lookup.ts has the same. */
enum {
  DLE_MERGED_REVERSE = 1,
  DLE_MERGED_KEYS = 2,
  DLE_MERGED_VALUES = 4,
  DLE_MERGED_TO_END = 8,
  DLE_MERGED_END_INCLUSIVE = 16,
  DLE_MERGED_START_INCLUSIVE = 32,
  DLE_MERGED_FROM_START = 64,
};

/* A put that is to be shown. */
typedef struct {
  const uint8_t *entry;
  uint64_t index;
  uint32_t slot;
} dle_merged_entry;

/*
 * Merges sources of keys and reads the records that it finds: src/ordered/typescript-scan.ts does
 * the same. It lies in memory of JavaScript, which also keeps the blocks of the sources.
 */
typedef struct {
  const uint8_t *start;
  size_t start_length;
  const uint8_t *end;
  size_t end_length;
  uint32_t flags;
  uint32_t sources;
  uint32_t pending_count;
  /* What it stopped for, which is told when everything before it has been shown; or MORE. */
  int32_t stop;
  /* The entry at the top has been taken. */
  int32_t taken;
  /* Where the merge has the last key, when its block may be gone. */
  uint8_t last_key[MAX_KEY];
  dle_merged_entry pending[DLE_MERGED_ENTRIES];
  dle_key_merge merge;
  /* The sources that begin where the range does: it is yet to be looked for in their blocks. */
  uint32_t *seeking;
  uint32_t seeking_count;
  /* Those of them in whose block it does not lie: they have to be filled. */
  uint32_t unfilled_count;
  /* Of the merge, and of the list of sources behind it. */
  uint64_t memory[];
} dle_merged;

/* What the scan shows at a time. */
typedef struct {
  uint32_t entries;
  size_t bytes;
} dle_merged_page;

size_t dle_merged_size(uint32_t sources);
void dle_merged_begin(dle_merged *scan, uint32_t sources, uint32_t flags);

/* Goes on until `most` entries can be shown; says how many fit into one page. */
dle_merged_page dle_merged_next(dle_merged *scan, uint32_t most);

/*
 * Copies the entries of a page to `target`, and the lengths of each key and value to `lengths`.
 * Returns how many there were: fewer if TypeScript has to read the next one.
 */
uint32_t dle_merged_copy(dle_merged *scan, const dle_index *index, dle_merged_page page,
                         uint8_t *target, uint32_t *lengths);

/* So many of the pending entries have been shown. */
void dle_merged_drop(dle_merged *scan, uint32_t count);

#endif
