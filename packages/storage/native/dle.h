#ifndef DLE_H
#define DLE_H

/* Has been in every Node since 15: an addon built once works in all that follow. */
#define NAPI_VERSION 8
#include <node_api.h>

/*
 * What src/native/native-binding.ts expects of the functions, in NATIVE_VERSION: counted up in both
 * places when a function is added, or takes or returns something else.
 */
enum { DLE_NATIVE_VERSION = 19 };

/*
 * Each adds its functions to `exports`. Called once for every thread that loads the addon: there is
 * no state that threads would share.
 */
napi_status dle_files_init(napi_env env, napi_value exports);
napi_status dle_lookup_init(napi_env env, napi_value exports);

#endif
