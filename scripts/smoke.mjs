/**
 * A first use of the packages, run by check-packages.mjs where they were installed from their
 * tarballs: every entry named on the command line is imported, and the store keeps what it is
 * given, with the native addon exactly where DLE_NATIVE says so.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

for (const entry of process.argv.slice(2)) await import(entry);

// Looked up where this runs, not where it is written.
const storage = '@dle/storage';
const { LogStore, nativeStatus } = await import(storage);
const { loaded, reason } = nativeStatus();
assert.equal(loaded, process.env.DLE_NATIVE === 'require', reason);
const folder = await mkdtemp(join(tmpdir(), 'dle-smoke-'));
try {
  const store = await LogStore.open(folder);
  await store.put('key', 'value');
  await store.close();
  const again = await LogStore.open(folder);
  const value = await again.get('key');
  assert.equal(Buffer.from(value).toString(), 'value');
  await again.close();
} finally {
  await rm(folder, { recursive: true });
}
