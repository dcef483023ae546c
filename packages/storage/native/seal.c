#include "crc32.h"
#include "lookup.h"
#include "record.h"

/*
 * seal(bytes, length): writes the checksums of the records that lie in the first `length` of
 * `bytes`, one after the other: those of their payloads, and then those of their headers. Returns
 * where it stopped: at `length`, if they fill that.
 */
napi_value dle_seal(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t given = 2, available;
  uint8_t *bytes;
  uint32_t length;
  napi_get_cb_info(env, info, &given, arguments, NULL, NULL);
  if (given < 2 || !dle_bytes_of(env, arguments[0], &bytes, &available)) return NULL;
  if (!dle_number_of(env, arguments[1], &length)) return NULL;
  uint32_t at = 0;
  if (length > available) length = 0;
  while (length - at >= RECORD_HEADER) {
    uint8_t *record = bytes + at;
    size_t key = read16(record + 6), value = read32(record + 8);
    size_t whole = record_bytes(key, value);
    if (whole > length - at) break;
    write32(record + 12, dle_crc32(0, record + RECORD_HEADER, key + value));
    write32(record + RECORD_HEADER - 4, dle_crc32(0, record, RECORD_HEADER - 4));
    at += (uint32_t)whole;
  }
  return dle_integer(env, (int32_t)at);
}

/*
 * verify(bytes): how far whole records of a log lie in `bytes`, one after the other, none of them
 * local state. What it stops at is for TypeScript to look at.
 */
napi_value dle_verify(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t given = 1, length;
  uint8_t *bytes;
  napi_get_cb_info(env, info, &given, &argument, NULL, NULL);
  if (given < 1 || !dle_bytes_of(env, argument, &bytes, &length)) return NULL;
  size_t at = 0;
  dle_record record;
  while (dle_read_log_header(bytes + at, length - at, &record)) {
    if (!dle_payload_is_intact(bytes + at, &record)) break;
    at += record_bytes(record.key_length, record.value_length);
  }
  return dle_integer(env, (int32_t)at);
}
