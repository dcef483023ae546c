import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { DleError } from '../errors.js';
import { MAX_VALUE_BYTES } from '../limits.js';

/** The word that stands for standard input. */
export const STANDARD_INPUT = '-';

export interface Input {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes in all, where that is known beforehand. */
  readonly totalBytes: number | undefined;
}

/** Opens a file, or standard input for `-`. Reading ends with an error when `signal` aborts. */
export async function openInput(path: string, signal: AbortSignal): Promise<Input> {
  if (path === STANDARD_INPUT) {
    return { chunks: addAbortSignal(signal, process.stdin as Readable), totalBytes: undefined };
  }
  const stats = await stat(path);
  return {
    chunks: createReadStream(path, { signal, highWaterMark: 256 * 1024 }),
    totalBytes: stats.isFile() ? stats.size : undefined,
  };
}

/**
 * All bytes of a file, or of standard input, as a value.
 *
 * @throws DleError `DLE_VALUE_TOO_LARGE`, as soon as there are more bytes than a value can have
 */
export async function readValue(
  path: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<Uint8Array> {
  const { chunks } = await openInput(path, signal);
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (length <= MAX_VALUE_BYTES) continue;
    const message = `the value has more bytes than its limit, ${MAX_VALUE_BYTES}`;
    throw new DleError('DLE_VALUE_TOO_LARGE', message);
  }
  return Buffer.concat(parts);
}
