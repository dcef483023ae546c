/**
 * `length` bytes of memory of their own, not zeroed. A plain Uint8Array: `slice` of a Buffer,
 * unlike that of every other array, does not copy.
 */
export function allocate(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

/** The same bytes in memory of their own, whatever kind of array they came in. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
