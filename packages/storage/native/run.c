#include "run.h"

static void write64(uint8_t *at, uint64_t value) {
  write32(at, (uint32_t)value);
  write32(at + 4, (uint32_t)(value >> 32));
}

static void write16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}

void dle_run_begin(dle_run_writer *writer, uint8_t *target, size_t size, uint64_t first_index) {
  writer->target = target;
  writer->size = size;
  writer->first_index = first_index;
  writer->block = 0;
  writer->used = BLOCK_HEADER;
  writer->count = 0;
}

int dle_run_has_room(const dle_run_writer *writer, size_t key_length) {
  size_t places = PLACE * (size_t)(writer->count + 1);
  return writer->used + entry_bytes(key_length) + places <= BLOCK;
}

int dle_run_seal(dle_run_writer *writer, size_t places) {
  if (writer->target == NULL) return 1;
  if (writer->block + places + PLACE * (size_t)writer->count > writer->size) return 0;
  uint8_t *block = writer->target + writer->block;
  memset(block, 0, BLOCK_HEADER);
  write64(block + RUN_FIRST_INDEX, writer->first_index);
  write32(block + BLOCK_COUNT, writer->count);
  write32(block + BLOCK_LENGTH, (uint32_t)(writer->used - BLOCK_HEADER));
  for (uint32_t place = 0; place < writer->count; place++) {
    write16(block + places + PLACE * (size_t)place, writer->places[place]);
  }
  return 1;
}

int dle_run_add(dle_run_writer *writer, const dle_run_entry *entry) {
  size_t bytes = entry_bytes(entry->key_length);
  if (!dle_run_has_room(writer, entry->key_length)) {
    if (!dle_run_seal(writer, BLOCK - PLACE * (size_t)writer->count)) return 0;
    writer->block += BLOCK;
    writer->used = BLOCK_HEADER;
    writer->count = 0;
  }
  if (writer->target != NULL) {
    if (writer->block + writer->used + bytes > writer->size) return 0;
    uint8_t *at = writer->target + writer->block + writer->used;
    uint64_t index = entry->index - writer->first_index;
    memset(at + bytes - 4, 0, 4);
    write32(at, entry->place_of_record);
    write32(at + ENTRY_INDEX, (uint32_t)index);
    write16(at + ENTRY_INDEX + 4, (uint32_t)(index >> 32));
    write16(at + ENTRY_KEY_LENGTH, (uint32_t)entry->key_length);
    write32(at + ENTRY_VALUE_LENGTH, entry->length_and_kind);
    memcpy(at + ENTRY, entry->key, entry->key_length);
    writer->places[writer->count] = (uint16_t)(writer->used / PLACE_STEP);
  }
  writer->count++;
  writer->used += bytes;
  return 1;
}

size_t dle_run_end(dle_run_writer *writer) {
  if (!dle_run_seal(writer, writer->used)) return 0;
  return writer->block + writer->used + PLACE * (size_t)writer->count;
}
