import { DleError } from '@dle/common';
import { type Input, LineSplitter, type RecordFormat } from '@dle/common/internal';
import { checkKeyLength, checkValueLength, type Pair } from '../../protocol/index.js';
import type { Loader } from './loader.js';

/** How far a load is, counted while it goes on. */
export interface LoadPosition {
  /** Lines read, empty ones included. */
  lines: number;
  /** Bytes of these lines. */
  bytes: number;
}

/**
 * Stores every record of `input`, then waits for those under way, also where something goes wrong:
 * what the loader says is stored is then exact. Empty lines are skipped.
 *
 * @throws DleError what stopped the load: `DLE_INVALID_ARGUMENT`, `DLE_KEY_TOO_LARGE` or
 *   `DLE_VALUE_TOO_LARGE` with the
 *   number of the line that holds no record, or what made a put fail
 */
export async function loadFile(
  input: Input,
  format: RecordFormat,
  loader: Loader,
  position: LoadPosition,
): Promise<void> {
  try {
    await readAll(input, format, loader, position);
  } finally {
    await loader.drain();
  }
  if (loader.failure !== undefined) throw loader.failure;
}

async function readAll(
  { chunks }: Input,
  format: RecordFormat,
  loader: Loader,
  position: LoadPosition,
): Promise<void> {
  const splitter = new LineSplitter();
  const add = async (line: Uint8Array) => {
    position.lines++;
    position.bytes += line.length + 1;
    if (!isBlank(line)) await loader.add(parseRecord(format, line, position.lines), position.lines);
  };
  for await (const chunk of chunks) {
    for (const line of splitter.push(chunk)) await add(line);
  }
  for (const line of splitter.end()) await add(line);
}

/** A line feed too many at the end of a file is not worth a refusal. */
function isBlank(line: Uint8Array): boolean {
  return line.length === 0 || (line.length === 1 && line[0] === 0x0d);
}

function parseRecord(format: RecordFormat, line: Uint8Array, number: number): Pair {
  try {
    const pair = format.parseLine(line);
    checkKeyLength(pair.key.length);
    checkValueLength(pair.value.length);
    return pair;
  } catch (cause) {
    const { code, message } = DleError.from(cause);
    throw new DleError(code, `line ${number}: ${message}`, { cause });
  }
}
