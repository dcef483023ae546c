#include "functions.h"

static void release(napi_env env, void *data, void *hint) {
  (void)hint;
  dle_functions *shared = data;
  if (--shared->count == 0) shared->finalize(env, shared);
}

napi_value dle_object_of(napi_env env, const dle_function *functions, size_t count,
                         dle_functions *shared, void (*finalize)(napi_env env, void *shared)) {
  napi_value object;
  shared->finalize = finalize;
  napi_create_object(env, &object);
  for (size_t place = 0; place < count; place++) {
    napi_value function;
    napi_create_function(env, functions[place].name, NAPI_AUTO_LENGTH, functions[place].call,
                         shared, &function);
    napi_add_finalizer(env, function, shared, release, NULL, NULL);
    shared->count++;
    napi_set_named_property(env, object, functions[place].name, function);
  }
  return object;
}
