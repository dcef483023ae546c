import { toBytes, toText } from '@dle/common';
import { UsageError } from './failure.js';

/** How keys and values stand on the command line, and in what is printed. */
export const ENCODINGS = ['text', 'hex', 'base64'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Throws `UsageError` for what is none. */
export function parseBytes(word: string, encoding: Encoding): Uint8Array {
  if (encoding === 'text') return toBytes(word);
  const bytes = Buffer.from(word, encoding);
  if (bytes.toString(encoding) !== (encoding === 'hex' ? word.toLowerCase() : word)) {
    throw new UsageError(`${JSON.stringify(word)} is not ${encoding}`);
  }
  return bytes;
}

export function formatBytes(bytes: Uint8Array, encoding: Encoding): string {
  const name = encoding === 'text' ? 'utf8' : encoding;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(name);
}

/** As a field of JSON: a string is its UTF-8, `{"base64":"…"}` is any bytes. */
export function toJson(bytes: Uint8Array): string | { base64: string } {
  return toText(bytes) ?? { base64: formatBytes(bytes, 'base64') };
}

/** Of a line of a dump; says what is wrong with one that is none. */
export function parsePair(line: string): { key: Uint8Array; value: Uint8Array } {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    throw new UsageError('not JSON');
  }
  const fields = Object(record) as Record<string, unknown>;
  const names = Object.keys(fields).sort().join();
  if (names !== 'key,value') throw new UsageError('not an object with "key" and "value" alone');
  return { key: fromJson(fields, 'key'), value: fromJson(fields, 'value') };
}

function fromJson(fields: Record<string, unknown>, name: string): Uint8Array {
  const field = fields[name];
  if (typeof field === 'string') {
    // Half a surrogate pair has no UTF-8: another character would be stored.
    if (/\p{Surrogate}/u.test(field)) throw new UsageError(`${name} holds half a surrogate pair`);
    return toBytes(field);
  }
  const { base64 } = Object(field) as Record<string, unknown>;
  if (typeof base64 === 'string' && Object.keys(Object(field)).length === 1) {
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.toString('base64') === base64) return bytes;
  }
  throw new UsageError(`${name} must be a string or {"base64":"…"}`);
}
