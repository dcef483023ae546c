#include "record.h"

#include "crc32.h"

/* All but the first word of a header, and its namespace. */
static int read_fields(const uint8_t *at, size_t available, dle_record *record) {
  if (at[4] > 1) return 0;
  if (dle_crc32(0, at, RECORD_HEADER - 4) != read32(at + RECORD_HEADER - 4)) return 0;
  for (int reserved = 32; reserved < RECORD_HEADER - 4; reserved++) {
    if (at[reserved] != 0) return 0;
  }
  record->key_length = read16(at + 6);
  record->value_length = read32(at + 8);
  if (record->key_length > MAX_KEY || record->value_length > MAX_VALUE) return 0;
  if (record_bytes(record->key_length, record->value_length) > available) return 0;
  record->key = at + RECORD_HEADER;
  record->value = record->key + record->key_length;
  return 1;
}

int dle_read_header(const uint8_t *at, size_t available, dle_record *record) {
  if (available < RECORD_HEADER) return 0;
  /* Magic, version, length of the header, kind; namespace 0. */
  if (read32(at) != (RECORD_BEGIN | (uint32_t)RECORD_PUT << 24) || at[5] != 0) return 0;
  return read_fields(at, available, record);
}

int dle_read_log_header(const uint8_t *at, size_t available, dle_record *record) {
  if (available < RECORD_HEADER || (read32(at) & 0xffffff) != RECORD_BEGIN) return 0;
  uint32_t kind = at[3], namespace = at[5];
  if (kind < RECORD_PUT || kind > RECORD_OPAQUE) return 0;
  if (namespace > (kind == RECORD_OPAQUE ? MAX_NAMESPACE : 0)) return 0;
  if (!read_fields(at, available, record)) return 0;
  if (kind == RECORD_DELETE && record->value_length != 0) return 0;
  uint64_t index = record_index(at);
  return index > 0 && index <= MAX_SAFE_INTEGER && record_term(at) <= MAX_SAFE_INTEGER;
}

int dle_payload_is_intact(const uint8_t *at, const dle_record *record) {
  size_t length = (size_t)record->key_length + record->value_length;
  if (dle_crc32(0, record->key, length) != read32(at + 12)) return 0;
  const uint8_t *end = at + record_bytes(record->key_length, record->value_length);
  for (const uint8_t *padding = record->key + length; padding < end; padding++) {
    if (*padding != 0) return 0;
  }
  return 1;
}
