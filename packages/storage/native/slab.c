#define _GNU_SOURCE
#include <sys/mman.h>

#include "lookup.h"

static void release_slab(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  munmap(data, SLAB_BYTES);
}

/*
 * slab(): zeroed memory for pages of the index, in which buckets do not straddle cache lines; in
 * large pages of the system, if it has them. undefined if there is none.
 */
napi_value dle_slab(napi_env env, napi_callback_info info) {
  napi_value buffer;
  (void)info;
  /* Twice as much, so that an aligned piece lies in it; the rest is given back. */
  uint8_t *base = mmap(NULL, 2 * SLAB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
  if (base == MAP_FAILED) return NULL;
  size_t before = (size_t)(-(uintptr_t)base & (SLAB_BYTES - 1));
  uint8_t *aligned = base + before;
  if (before > 0) munmap(base, before);
  munmap(aligned + SLAB_BYTES, SLAB_BYTES - before);
#ifdef MADV_HUGEPAGE
  madvise(aligned, SLAB_BYTES, MADV_HUGEPAGE);
#endif
  if (napi_create_external_arraybuffer(env, aligned, SLAB_BYTES, release_slab, NULL, &buffer) !=
      napi_ok) {
    munmap(aligned, SLAB_BYTES);
    return NULL;
  }
  return buffer;
}
