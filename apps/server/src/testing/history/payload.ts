const MARK = '\n';

/**
 * Bytes that say which write they are of, and whether they are whole: its name, and a filler that
 * follows from it.
 */
export function payloadOf(name: string, bytes: number): Uint8Array {
  const head = `${name} ${bytes}${MARK}`;
  return Buffer.alloc(Math.max(head.length, bytes), head);
}

/**
 * The name of the write these bytes are of, or what is wrong with them: no write has such a name.
 */
export function nameOfPayload(payload: Uint8Array): string {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const head = bytes.subarray(0, bytes.indexOf(MARK)).toString();
  const [name, length] = head.split(' ');
  const expected = payloadOf(name ?? '', Number(length) || 0);
  if (bytes.equals(expected)) return name!;
  return `${bytes.length} damaged bytes that begin with '${bytes.subarray(0, 40).toString()}'`;
}
