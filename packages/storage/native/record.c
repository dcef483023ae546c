#include "record.h"

#include "crc32.h"

int dle_read_header(const uint8_t *at, size_t available, dle_record *record) {
  if (available < RECORD_HEADER) return 0;
  /* Magic, version, length of the header, kind; flags at most 1, namespace 0. */
  if (read32(at) != (0x004001d1u | (uint32_t)RECORD_PUT << 24)) return 0;
  if (at[4] > 1 || at[5] != 0) return 0;
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

int dle_payload_is_intact(const uint8_t *at, const dle_record *record) {
  size_t length = (size_t)record->key_length + record->value_length;
  if (dle_crc32(0, record->key, length) != read32(at + 12)) return 0;
  const uint8_t *end = at + record_bytes(record->key_length, record->value_length);
  for (const uint8_t *padding = record->key + length; padding < end; padding++) {
    if (*padding != 0) return 0;
  }
  return 1;
}
