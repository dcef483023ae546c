import { DleError } from '@dle/common';
import { Packr, Unpackr } from 'msgpackr';
import { MAX_CONTROL_BYTES } from './limits.js';
import { type Control, EMPTY_CONTROL } from './types.js';

/**
 * msgpackr's encode flags, which its types do not let one combine: write into its own buffer, begin
 * at its start again.
 */
const INTO_OWN_BUFFER = 512 | 1024;

/**
 * Up to here msgpackr takes its short cuts for small input (cached keys, no native call), if the
 * input begins its array.
 * Most control parts are that small, so they are copied to the beginning of one.
 */
const SMALL_BYTES = 176;

/**
 * What msgpackr's buffer is replaced with after an encoding that was too large to keep the buffer
 * for.
 */
const FRESH_BUFFER_BYTES = 8 * 1024;

// Plain maps only: no record definitions (state shared by both ends), no cycles, no reference to
// what is decoded.
const options = {
  useRecords: false,
  mapsAsObjects: true,
  structuredClone: false,
  copyBuffers: true,
} as const;
// A 64-bit integer beyond 2^53 - 1 comes out as a bigint, which no reader takes for a number.
const decoder = new Unpackr({ ...options, int64AsType: 'auto' as 'number' });
const encoder = new Packr({ ...options, skipValues: [undefined] } as ConstructorParameters<
  typeof Packr
>[0]);
const small = Buffer.alloc(SMALL_BYTES);

/**
 * An encoded control part: in msgpackr's own buffer, so valid until the next call of
 * `encodeControl`.
 */
export interface EncodedControl {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const NOTHING: EncodedControl = { bytes: new Uint8Array(0), start: 0, end: 0 };

/**
 * Encodes without a copy. DLE_FRAME_TOO_LARGE; DLE_INVALID_ARGUMENT where msgpack cannot carry it.
 */
export function encodeControl(control: Control): EncodedControl {
  if (control === EMPTY_CONTROL) return NOTHING;
  let bytes: Uint8Array & { readonly start: number; readonly end: number };
  try {
    bytes = encoder.encode(control, INTO_OWN_BUFFER) as unknown as typeof bytes;
  } catch (error) {
    throw DleError.from(error, 'DLE_INVALID_ARGUMENT');
  }
  const { start, end } = bytes;
  if (end - start <= MAX_CONTROL_BYTES) return { bytes, start, end };
  encoder.useBuffer(Buffer.allocUnsafeSlow(FRESH_BUFFER_BYTES));
  throw new DleError(
    'DLE_FRAME_TOO_LARGE',
    `a control part of ${end - start} bytes is over the limit of ${MAX_CONTROL_BYTES}`,
  );
}

/** Decodes bytes whose checksum was right. DLE_BAD_FRAME where they are not one map. */
export function decodeControl(bytes: Uint8Array, start: number, end: number): Control {
  if (start === end) return EMPTY_CONTROL;
  let value: unknown;
  try {
    value = decode(bytes, start, end);
  } catch (error) {
    throw new DleError('DLE_BAD_FRAME', 'its control part is not msgpack', { cause: error });
  }
  if (!isPlainMap(value)) throw new DleError('DLE_BAD_FRAME', 'its control part is not a map');
  return value;
}

function decode(bytes: Uint8Array, start: number, end: number): unknown {
  const length = end - start;
  if (length > SMALL_BYTES) return decoder.decode(bytes.subarray(start, end));
  for (let index = 0; index < length; index++) small[index] = bytes[start + index]!;
  return decoder.decode(small, length);
}

function isPlainMap(value: unknown): value is Control {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
