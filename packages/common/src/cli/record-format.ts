import { DleError } from '../errors.js';

export interface Pair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * How a file of records is written, one record a line. Whatever `formatLine` writes, `parseLine`
 * reads back alike.
 */
export interface RecordFormat {
  /**
   * The record on a line, which comes without its line feed.
   *
   * @throws DleError `DLE_INVALID_ARGUMENT`, saying what is wrong with the line
   */
  parseLine(line: Uint8Array): Pair;
  /** The line of a record, its line feed included. */
  formatLine(pair: Pair): Uint8Array;
}

/** What is wrong with a line; the reader of the file adds which line it is. */
export function badLine(message: string): DleError {
  return new DleError('DLE_INVALID_ARGUMENT', message);
}
