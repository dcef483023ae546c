#ifndef DLE_CRC32_H
#define DLE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 (IEEE 802.3, reflected), continuing from `seed`; as zlib's. */
uint32_t dle_crc32(uint32_t seed, const uint8_t *bytes, size_t length);

#endif
