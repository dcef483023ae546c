/* Reading what a compaction keeps: src/compaction/native-records.ts. */
#include <errno.h>
#include <unistd.h>

#include "entry.h"
#include "lookup.h"

/* What the key directories say of records, by columns (src/compaction/candidate-batch.ts). */
typedef struct {
  const uint32_t *lengths;
  const double *indexes;
  const uint8_t *keys;
  const uint32_t *key_ends;
  size_t key_bytes;
} expected_records;

enum { MOST_BUFFERS = 64 };

/* Files that are in memory as a whole. */
typedef struct {
  const uint8_t *bytes[MOST_BUFFERS];
  size_t lengths[MOST_BUFFERS];
  uint32_t count;
} whole_files;

static int find_buffers(napi_env env, napi_value array, whole_files *files) {
  if (napi_get_array_length(env, array, &files->count) != napi_ok) return 0;
  if (files->count > MOST_BUFFERS) files->count = MOST_BUFFERS;
  for (uint32_t at = 0; at < files->count; at++) {
    napi_value buffer;
    uint8_t *bytes;
    if (napi_get_element(env, array, at, &buffer) != napi_ok) return 0;
    if (!dle_bytes_of(env, buffer, &bytes, &files->lengths[at])) return 0;
    files->bytes[at] = bytes;
  }
  return 1;
}

static int read_all(int fd, uint8_t *target, size_t length, off_t position) {
  for (size_t done = 0; done < length;) {
    ssize_t count = pread(fd, target + done, length - done, position + (off_t)done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return 0;
    done += (size_t)count;
  }
  return 1;
}

/* From a file by its descriptor or, where that is negative, from one of those in memory. */
static int read_record(const whole_files *files, int32_t source, uint8_t *target, size_t length,
                       double position) {
  if (source >= 0) return read_all(source, target, length, (off_t)position);
  uint32_t file = (uint32_t)(-(source + 1));
  if (file >= files->count || position < 0 || position > (double)files->lengths[file]) return 0;
  size_t offset = (size_t)position;
  if (length > files->lengths[file] - offset) return 0;
  memcpy(target, files->bytes[file] + offset, length);
  return 1;
}

/* Whether what was read is whole, and the record that the directory says. */
static int is_expected(const uint8_t *at, const expected_records *expected, uint32_t place) {
  dle_record record;
  uint32_t length = expected->lengths[place];
  if (!dle_read_log_header(at, length, &record) || at[3] == RECORD_OPAQUE) return 0;
  if (record_bytes(record.key_length, record.value_length) != length) return 0;
  if ((double)record_index(at) != expected->indexes[place]) return 0;
  uint32_t start = place == 0 ? 0 : expected->key_ends[place - 1];
  uint32_t end = expected->key_ends[place];
  if (start > end || end > expected->key_bytes) return 0;
  if (compare_keys(record.key, record.key_length, expected->keys + start, end - start) != 0) {
    return 0;
  }
  return dle_payload_is_intact(at, &record);
}

/* A column of numbers. */
static int column(napi_env env, napi_value value, void *numbers, size_t *length) {
  uint8_t *bytes;
  if (!dle_bytes_of(env, value, &bytes, length)) return 0;
  memcpy(numbers, &bytes, sizeof bytes);
  return 1;
}

/*
 * readRecords(sources, buffers, offsets, places, count, lengths, indexes, keys, keyEnds, target):
 * see src/native/read-records.ts.
 */
napi_value dle_read_records(napi_env env, napi_callback_info info) {
  napi_value arguments[10];
  size_t given = 10, sizes[10];
  int32_t *sources;
  whole_files files;
  double *offsets;
  uint32_t *places, count;
  uint8_t *target;
  expected_records expected;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok || given < 10 ||
      !column(env, arguments[0], &sources, &sizes[0]) ||
      !find_buffers(env, arguments[1], &files) ||
      !column(env, arguments[2], &offsets, &sizes[2]) ||
      !column(env, arguments[3], &places, &sizes[3]) ||
      !dle_number_of(env, arguments[4], &count) ||
      !column(env, arguments[5], &expected.lengths, &sizes[5]) ||
      !column(env, arguments[6], &expected.indexes, &sizes[6]) ||
      !column(env, arguments[7], &expected.keys, &expected.key_bytes) ||
      !column(env, arguments[8], &expected.key_ends, &sizes[8]) ||
      !column(env, arguments[9], &target, &sizes[9])) {
    return NULL;
  }
  uint32_t done = 0;
  size_t used = 0;
  for (; done < count && done < sizes[0] && done < sizes[2] && done < sizes[3]; done++) {
    uint32_t place = places[done];
    if (place >= sizes[5] || place >= sizes[6] || place >= sizes[8]) break;
    size_t length = expected.lengths[place];
    if (length > sizes[9] - used) break;
    if (!read_record(&files, sources[done], target + used, length, offsets[done])) break;
    if (!is_expected(target + used, &expected, place)) break;
    used += length;
  }
  return dle_integer(env, (int32_t)done);
}
