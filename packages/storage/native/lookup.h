#ifndef DLE_LOOKUP_H
#define DLE_LOOKUP_H

#include "functions.h"
#include "index.h"
#include "merge.h"

/* What the functions of one lookup share. */
typedef struct {
  dle_functions functions;
  dle_index index;
  /* What the arrays of numbers belong to, so that it stays. */
  napi_ref directory_reference;
  napi_ref results_reference;
  napi_ref live_reference;
  napi_ref *slab_references;
  uint32_t *results;
  dle_merge *merge;
} dle_lookup;

/* The arguments of a call, `count` of them, and what it belongs to; NULL with an error thrown. */
void *dle_begin(napi_env env, napi_callback_info info, size_t count, napi_value *arguments);

/* What a value is; 0 with an error thrown. */
int dle_bytes_of(napi_env env, napi_value value, uint8_t **bytes, size_t *length);
int dle_number_of(napi_env env, napi_value value, uint32_t *number);

napi_value dle_integer(napi_env env, int32_t number);

/* The functions in fill.c. */
napi_value dle_put_records(napi_env env, napi_callback_info info);
napi_value dle_begin_merge(napi_env env, napi_callback_info info);
napi_value dle_fill_merge(napi_env env, napi_callback_info info);
napi_value dle_run_merge(napi_env env, napi_callback_info info);

/* In merged-scan-calls.c. */
napi_value dle_merged_scan_bytes(napi_env env, napi_callback_info info);
napi_value dle_begin_merged_scan(napi_env env, napi_callback_info info);
napi_value dle_fill_merged_scan(napi_env env, napi_callback_info info);
napi_value dle_run_merged_scan(napi_env env, napi_callback_info info);

/* In gather.c. */
napi_value dle_find_records(napi_env env, napi_callback_info info);
napi_value dle_gather_run(napi_env env, napi_callback_info info);

/* In directory-keys.c. */
napi_value dle_directory_keys(napi_env env, napi_callback_info info);

/* In read-records.c. */
napi_value dle_read_records(napi_env env, napi_callback_info info);

/* In run-merge.c. */
napi_value dle_run_merge_bytes(napi_env env, napi_callback_info info);
napi_value dle_begin_run_merge(napi_env env, napi_callback_info info);
napi_value dle_step_run_merge(napi_env env, napi_callback_info info);

/* In files.c. */
napi_value dle_read_cached(napi_env env, napi_callback_info info);

/* In seal.c. */
napi_value dle_seal(napi_env env, napi_callback_info info);
napi_value dle_verify(napi_env env, napi_callback_info info);

/* In slab.c. */
napi_value dle_slab(napi_env env, napi_callback_info info);

#endif
