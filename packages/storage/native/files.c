/*
 * What Node's fs lacks: taking space for real, locks of the kernel, and reads that do not wait. The
 * first two return 0 or the errno of what went wrong, of which TypeScript makes its errors.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dle.h"
#include "lookup.h"

/* Reads `count` whole numbers; 0, with an exception pending, if they are not there. */
static int integers(napi_env env, napi_callback_info info, size_t count, int64_t *numbers) {
  napi_value arguments[3];
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok) return 0;
  for (size_t place = 0; place < count; place++) {
    if (given > place && napi_get_value_int64(env, arguments[place], &numbers[place]) == napi_ok) {
      continue;
    }
    napi_throw_type_error(env, NULL, "not a number");
    return 0;
  }
  return 1;
}

static napi_value outcome(napi_env env, int error) {
  napi_value value;
  return napi_create_int32(env, error, &value) == napi_ok ? value : NULL;
}

/*
 * The system call itself and not posix_fallocate, which writes a byte into each block where the
 * file system does not know how: slowly, and not safely beside other writers.
 */
static int take_space(int fd, off_t position, off_t length) {
#ifdef __linux__
  while (fallocate(fd, 0, position, length) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
#else
  /* F_PREALLOCATE of macOS takes no position, and does not extend the file. */
  (void)fd, (void)position, (void)length;
  return ENOTSUP;
#endif
}

/* preallocate(fd, position, length): the file has space there, which reads as zeros. */
static napi_value preallocate(napi_env env, napi_callback_info info) {
  int64_t numbers[3];
  if (!integers(env, info, 3, numbers)) return NULL;
  return outcome(env, take_space((int)numbers[0], (off_t)numbers[1], (off_t)numbers[2]));
}

/* lockFile(fd): holds until the last descriptor of this opening is closed, however that happens. */
static napi_value lock_file(napi_env env, napi_callback_info info) {
  int64_t fd;
  if (!integers(env, info, 1, &fd)) return NULL;
  while (flock((int)fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return outcome(env, errno);
  }
  return outcome(env, 0);
}

/* Fills `target` from `position`, as far as that takes no wait for the device. */
static size_t read_cached(int fd, uint8_t *target, size_t length, off_t position) {
  size_t done = 0;
#if defined(__linux__) && defined(RWF_NOWAIT)
  while (done < length) {
    struct iovec rest = {target + done, length - done};
    ssize_t count = preadv2(fd, &rest, 1, position + (off_t)done, RWF_NOWAIT);
    if (count <= 0) break;
    done += (size_t)count;
  }
#else
  (void)fd, (void)target, (void)length, (void)position;
#endif
  return done;
}

/* readCached(fd, target, position): see src/native/lookup.ts. */
napi_value dle_read_cached(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  uint32_t fd;
  uint8_t *target;
  size_t length;
  int64_t position;
  if (dle_begin(env, info, 3, arguments) == NULL) return NULL;
  if (!dle_number_of(env, arguments[0], &fd)) return NULL;
  if (!dle_bytes_of(env, arguments[1], &target, &length)) return NULL;
  if (napi_get_value_int64(env, arguments[2], &position) != napi_ok) return NULL;
  return dle_integer(env, (int32_t)read_cached((int)fd, target, length, (off_t)position));
}

napi_status dle_files_init(napi_env env, napi_value exports) {
  napi_property_descriptor properties[] = {
      {"preallocate", NULL, preallocate, NULL, NULL, NULL, napi_default, NULL},
      {"lockFile", NULL, lock_file, NULL, NULL, NULL, napi_default, NULL},
  };
  return napi_define_properties(env, exports, 2, properties);
}
