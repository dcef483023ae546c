#ifndef DLE_RECORD_H
#define DLE_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* docs/format.md, Record. */
enum {
  RECORD_HEADER = 64,
  /* Magic, version, length of the header. */
  RECORD_BEGIN = 0x4001d1,
  RECORD_PUT = 1,
  RECORD_DELETE = 2,
  RECORD_OPAQUE = 3,
  MAX_NAMESPACE = 2,
  MAX_KEY = 4096,
  MAX_VALUE = 8 * 1024 * 1024,
  MAX_ENTRY_RECORDS = 65536,
};

/* Of JavaScript. */
#define MAX_SAFE_INTEGER ((1ull << 53) - 1)

static inline uint16_t read16(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }

static inline uint32_t read32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline void write32(uint8_t *at, uint32_t value) {
  for (int byte = 0; byte < 4; byte++) at[byte] = (uint8_t)(value >> (8 * byte));
}

static inline size_t record_bytes(size_t key, size_t value) {
  return RECORD_HEADER + ((key + value + 7) & ~(size_t)7);
}

static inline uint64_t record_index(const uint8_t *at) {
  return read32(at + 16) | (uint64_t)read32(at + 20) << 32;
}

static inline uint64_t record_term(const uint8_t *at) {
  return read32(at + 24) | (uint64_t)read32(at + 28) << 32;
}

static inline int ends_entry(const uint8_t *at) { return at[4] == 1; }

/* A record whose header has been verified. */
typedef struct {
  const uint8_t *key;
  const uint8_t *value;
  uint32_t key_length;
  uint32_t value_length;
} dle_record;

/*
 * Whether an intact header of an ordinary put lies at `at`, with its payload within `available`
 * bytes. 0 for anything else: what exactly is wrong is for TypeScript to find out.
 */
int dle_read_header(const uint8_t *at, size_t available, dle_record *record);

/* As that, of any record that a log may hold but local state. */
int dle_read_log_header(const uint8_t *at, size_t available, dle_record *record);

/* Whether the payload behind a verified header is what it should be. */
int dle_payload_is_intact(const uint8_t *at, const dle_record *record);

#endif
