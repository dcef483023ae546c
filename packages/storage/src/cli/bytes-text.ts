import { toBytes } from '@dle/common';
import { UsageError } from '@dle/common/internal';

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
