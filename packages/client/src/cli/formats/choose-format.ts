import { extname } from 'node:path';
import { jsonl, type RecordFormat, UsageError } from '@dle/common/internal';
import { tsv } from './tsv.js';

export type FormatName = 'tsv' | 'jsonl';

export const FORMAT_NAMES: readonly FormatName[] = ['tsv', 'jsonl'];

const FORMATS: Readonly<Record<FormatName, RecordFormat>> = { tsv, jsonl };

const EXTENSIONS: ReadonlyMap<string, FormatName> = new Map([
  ['.tsv', 'tsv'],
  ['.jsonl', 'jsonl'],
  ['.ndjson', 'jsonl'],
]);

/**
 * The format that was asked for by name, else the one that the file is named after, else
 * `otherwise`.
 *
 * @throws UsageError none of these says
 */
export function chooseFormat(
  name: FormatName | undefined,
  path: string | undefined,
  otherwise?: FormatName,
): RecordFormat {
  const extension = path === undefined ? '' : extname(path).toLowerCase();
  const chosen = name ?? EXTENSIONS.get(extension) ?? otherwise;
  if (chosen === undefined) {
    const known = [...EXTENSIONS.keys()].join(', ');
    throw new UsageError(`say --format: "${path}" does not end in one of ${known}`);
  }
  return FORMATS[chosen];
}
