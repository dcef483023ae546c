import { DleError } from '@dle/common';
import { MAX_SEGMENTS } from './limits.js';

/** Where bytes lie: the file, or what they came as, and the offset of the first of them there. */
export interface Origin {
  readonly name: string;
  readonly offset: number;
}

/** Bytes that are not what was written: `DLE_CORRUPT`, naming the place, for programs too. */
export function corrupt(origin: Origin, offset: number, what: string): DleError {
  const place = origin.offset + offset;
  return new DleError('DLE_CORRUPT', `${origin.name} at byte ${place}: ${what}`, {
    details: { file: origin.name, offset: place },
  });
}

/** Intact bytes that this version does not know: `DLE_FORMAT`, naming the place. */
export function unknownFormat(origin: Origin, offset: number, what: string): DleError {
  return new DleError(
    'DLE_FORMAT',
    `${origin.name} at byte ${origin.offset + offset}: ${what}; ` +
      'a newer version of dle may have written it: open it with that one',
  );
}

/** A log can have no more segments: `DLE_TOO_MANY_SEGMENTS`. */
export function tooManySegments(directory: string): DleError {
  const message = `${directory} has ${MAX_SEGMENTS} segments, which is the most there may be`;
  return new DleError('DLE_TOO_MANY_SEGMENTS', `${message}: open it with a larger segmentSize`);
}
