#define _GNU_SOURCE
#include <sys/mman.h>

#include "lookup.h"

static void release_slab(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  munmap(data, SLAB_BYTES);
}

/*
 * slab(huge): zeroed memory for pages of the index, in which buckets do not straddle cache lines.
 * `huge`: a random access then seldom waits for the page table. undefined if there is none.
 */
napi_value dle_slab(napi_env env, napi_callback_info info) {
  napi_value arguments[1], buffer;
  size_t given = 1;
  bool huge = false;
  napi_get_cb_info(env, info, &given, arguments, NULL, NULL);
  if (given == 1) napi_get_value_bool(env, arguments[0], &huge);
  /* Twice as much, so that an aligned piece lies in it; the rest is given back. */
  uint8_t *base = mmap(NULL, 2 * SLAB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
  if (base == MAP_FAILED) return NULL;
  size_t before = (size_t)(-(uintptr_t)base & (SLAB_BYTES - 1));
  uint8_t *aligned = base + before;
  if (before > 0) munmap(base, before);
  munmap(aligned + SLAB_BYTES, SLAB_BYTES - before);
#ifdef MADV_HUGEPAGE
  if (huge) madvise(aligned, SLAB_BYTES, MADV_HUGEPAGE);
#endif
  if (napi_create_external_arraybuffer(env, aligned, SLAB_BYTES, release_slab, NULL, &buffer) !=
      napi_ok) {
    munmap(aligned, SLAB_BYTES);
    return NULL;
  }
  return buffer;
}
