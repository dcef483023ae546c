/* What JavaScript gives, held against what is wanted. */
#include "lookup.h"

void *dle_begin(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  void *self = NULL;
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, &self) != napi_ok || given < count) {
    napi_throw_type_error(env, NULL, "too few arguments");
    return NULL;
  }
  return self;
}

int dle_bytes_of(napi_env env, napi_value value, uint8_t **bytes, size_t *length) {
  void *data = NULL;
  if (napi_get_typedarray_info(env, value, NULL, length, &data, NULL, NULL) != napi_ok) {
    napi_throw_type_error(env, NULL, "not a typed array");
    return 0;
  }
  *bytes = data;
  return 1;
}

int dle_number_of(napi_env env, napi_value value, uint32_t *number) {
  if (napi_get_value_uint32(env, value, number) == napi_ok) return 1;
  napi_throw_type_error(env, NULL, "not a number");
  return 0;
}

napi_value dle_integer(napi_env env, int32_t number) {
  napi_value value;
  napi_create_int32(env, number, &value);
  return value;
}
