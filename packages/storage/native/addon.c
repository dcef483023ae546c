/* What Node calls when a thread loads the addon. */
#include "dle.h"

static napi_status fill(napi_env env, napi_value exports) {
  napi_value version;
  napi_status status = napi_create_int32(env, DLE_NATIVE_VERSION, &version);
  if (status == napi_ok) status = napi_set_named_property(env, exports, "version", version);
  if (status == napi_ok) status = dle_files_init(env, exports);
  if (status == napi_ok) status = dle_lookup_init(env, exports);
  return status;
}

NAPI_MODULE_INIT() {
  if (fill(env, exports) == napi_ok) return exports;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) napi_throw_error(env, NULL, "the addon of @dle/storage could not be set up");
  return NULL;
}
