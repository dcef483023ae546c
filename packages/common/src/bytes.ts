import { assert } from './errors.js';

const TWO_32 = 0x1_0000_0000;
const encoder = new TextEncoder();
// A byte order mark is bytes like any others here: leaving it out would change a key.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** `value` as bytes: a string is taken as UTF-8, bytes are returned as they are. */
export function toBytes(value: Uint8Array | string): Uint8Array {
  return typeof value === 'string' ? encoder.encode(value) : value;
}

/** The string that `bytes` spell in UTF-8, or `undefined` where they spell none. */
export function toText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Writes a safe integer as unsigned 64 bits, little-endian. Without BigInt: it would allocate. */
export function writeUint64(view: DataView, offset: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, `not an unsigned safe integer: ${value}`);
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_32), true);
}

/**
 * Reads an unsigned 64-bit little-endian number. Above 2^53 - 1 it returns `NaN`, so that a
 * comparison with it is false; whoever reads from outside checks for it.
 */
export function readUint64(view: DataView, offset: number): number {
  const high = view.getUint32(offset + 4, true);
  if (high >= 0x20_0000) return Number.NaN;
  return high * TWO_32 + view.getUint32(offset, true);
}

/** Copies `parts` into one array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Bytewise order: negative, zero or positive, as `a` comes before, with or after `b`. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Whether the two hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
