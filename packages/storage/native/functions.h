#ifndef DLE_FUNCTIONS_H
#define DLE_FUNCTIONS_H

#include "dle.h"

typedef struct {
  const char *name;
  napi_callback call;
} dle_function;

/*
 * What functions share begins with this. It lives as long as any of them, so that none can outlive
 * it.
 */
typedef struct {
  size_t count;
  void (*finalize)(napi_env env, void *shared);
} dle_functions;

/* An object of functions that share what begins with `shared`, which `finalize` frees at last. */
napi_value dle_object_of(napi_env env, const dle_function *functions, size_t count,
                         dle_functions *shared, void (*finalize)(napi_env env, void *shared));

#endif
