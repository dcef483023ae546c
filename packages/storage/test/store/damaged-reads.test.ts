import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDleError } from '@dle/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { expectReads, READ_FORMS } from '../support/read-forms.js';

const KEYS = Array.from({ length: 12 }, (_, n) => `key ${n}`);
const contentOf = (key: string) => Buffer.from(`value of ${key} `.repeat(key.length * 9));
/** Of the header of a record before its key. */
const HEADER = 64;

let directory: string;
let store: LogStore;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-damaged-'));
  store = await LogStore.open(directory);
  for (const key of KEYS) await store.put(key, contentOf(key));
  const name = readdirSync(directory).find((name) => name.endsWith('.segment'))!;
  file = join(directory, name);
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

/** Flips a bit of the file, beneath the open store. */
function flip(offset: number): void {
  const byte = readFileSync(file)[offset]!;
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Uint8Array.of(byte ^ 4), 0, 1, offset);
  closeSync(descriptor);
}

/** Where in a record the bit is: from its beginning on. */
const PLACES: Record<string, (record: number) => number> = {
  'the magic': (record) => record,
  'the length of the value': (record) => record + 8,
  'the checksum of the payload': (record) => record + 12,
  'the reserved fields': (record) => record + 40,
  'the checksum of the header': (record) => record + 60,
  'the key': (record) => record + HEADER + 2,
  'the first byte of the value': (record) => record + HEADER + 'key 5'.length,
  'the last byte of the value': (record) =>
    record + HEADER + 'key 5'.length + contentOf('key 5').length - 1,
  'the zeros behind it': (record) =>
    record + HEADER + Math.ceil(('key 5'.length + contentOf('key 5').length) / 8) * 8 - 1,
};

describe('a record that is damaged beneath an open store', () => {
  for (const wasRead of [false, true]) {
    it.each(Object.keys(PLACES))(
      `is never returned, with file and place: %s; read before: ${wasRead}`,
      async (place) => {
        const record = readFileSync(file).indexOf('key 5') - HEADER;
        if (wasRead) {
          for (const key of KEYS) await expectReads(store, Buffer.from(key), contentOf(key));
        }
        const at = PLACES[place]!(record);
        flip(at);
        for (let times = 0; times < 2; times++) {
          for (const read of Object.values(READ_FORMS)) {
            const thrown = await (async () => read(store, Buffer.from('key 5')))().catch((e) => e);
            expect(isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')).toBe(true);
            expect(thrown.message).toContain(`${file} at byte ${record}`);
          }
          for (const key of KEYS) {
            if (key !== 'key 5') await expectReads(store, Buffer.from(key), contentOf(key));
          }
        }
        const { damage } = await store.verify();
        expect(damage).toHaveLength(1);
        expect(damage[0]!.file).toBe(file);
        // A new value takes the place of the damaged one, and its being deleted too.
        await store.put('key 5', 'new');
        for (const key of KEYS) {
          const expected = key === 'key 5' ? Buffer.from('new') : contentOf(key);
          await expectReads(store, Buffer.from(key), expected);
        }
      },
    );
  }
});
