import { join } from 'node:path';
import { crc32, DleError, toBytes, toText } from '@dle/common';
import { replaceFile, type Vfs } from '@dle/storage/internal';
import { directoryIsGone, isOfLostDirectory } from './damage.js';

/** Longest file of this kind that is read, in bytes. */
const MAX_BYTES = 1024 * 1024;
const CHECKSUM_DIGITS = 8;

/*
 *  checksum, 8 hexadecimal digits   newline   JSON   newline
 */

/** Writes a small file; durable, in place of the one before, when it resolves. */
export async function writeRecord(
  vfs: Vfs,
  directory: string,
  name: string,
  content: object,
): Promise<void> {
  const body = toBytes(`${JSON.stringify(content)}\n`);
  const checksum = crc32(body).toString(16).padStart(CHECKSUM_DIGITS, '0');
  try {
    await replaceFile(vfs, directory, name, [toBytes(`${checksum}\n`), body]);
  } catch (thrown) {
    const error = DleError.from(thrown);
    throw isOfLostDirectory(error) ? directoryIsGone(directory, error) : error;
  }
}

/**
 * What is in it; `undefined`: there is none. Rejects with `DLE_CORRUPT` if it is damaged, `DLE_IO`.
 */
export async function readRecord(
  vfs: Vfs,
  directory: string,
  name: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (!(await vfs.list(directory)).includes(name)) return undefined;
  const path = join(directory, name);
  const file = vfs.openSync(path, { readOnly: true });
  try {
    const bytes = new Uint8Array(Math.min(file.size(), MAX_BYTES));
    const count = await file.read(bytes, 0);
    const body = bytes.subarray(CHECKSUM_DIGITS + 1, count);
    const checksum = Number.parseInt(toText(bytes.subarray(0, CHECKSUM_DIGITS)) ?? '', 16);
    const text = crc32(body) === checksum ? toText(body) : undefined;
    if (text === undefined) throw new DleError('DLE_CORRUPT', `${path}: wrong checksum`);
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } finally {
    await file.close();
  }
}

/** Durable when it resolves; nothing if there is none. */
export async function removeRecord(vfs: Vfs, directory: string, name: string): Promise<void> {
  if (!(await vfs.list(directory)).includes(name)) return;
  await vfs.unlink(join(directory, name));
  await vfs.syncDirectory(directory);
}
