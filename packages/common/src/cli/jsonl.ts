import { toBytes, toText } from '../bytes.js';
import { badLine, type Pair, type RecordFormat } from './record-format.js';

/**
 * `{"key":…,"value":…}`, where a string is its UTF-8 and `{"base64":"…"}` is any bytes. Nothing
 * else is taken: a number or an object has no one way to become bytes, and a guess would not
 * survive the way back.
 */
export const jsonl: RecordFormat = {
  parseLine(line) {
    const record = parseJson(line);
    if (!isObject(record)) throw badLine('not a JSON object with "key" and "value"');
    for (const name of Object.keys(record)) {
      if (name !== 'key' && name !== 'value') {
        throw badLine(`unknown field ${JSON.stringify(name.slice(0, 64))}; only "key" and "value"`);
      }
    }
    return { key: decode(record, 'key'), value: decode(record, 'value') };
  },

  formatLine({ key, value }: Pair) {
    return toBytes(`${JSON.stringify({ key: bytesToJson(key), value: bytesToJson(value) })}\n`);
  },
};

function parseJson(line: Uint8Array): unknown {
  const text = toText(line);
  if (text === undefined) throw badLine('not UTF-8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badLine(`not JSON (${cause instanceof Error ? cause.message : cause})`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decode(record: Record<string, unknown>, name: 'key' | 'value'): Uint8Array {
  const field = record[name];
  if (typeof field === 'string') {
    // Half a surrogate pair has no UTF-8: encoding it would quietly store another character.
    if (/\p{Surrogate}/u.test(field)) throw badLine(`${name} holds half a surrogate pair`);
    return toBytes(field);
  }
  if (isObject(field) && Object.keys(field).join() === 'base64') {
    const { base64 } = field;
    const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined;
    if (bytes === undefined || bytes.toString('base64') !== base64) {
      throw badLine(`${name} is not base64 (the standard alphabet, padded)`);
    }
    return bytes;
  }
  if (field === undefined) throw badLine(`${name} is missing`);
  throw badLine(`${name} must be a string or {"base64":"…"}; write other values as a string`);
}

/** As a field of JSON: a string is its UTF-8, `{"base64":"…"}` is any bytes. */
export function bytesToJson(bytes: Uint8Array): string | { base64: string } {
  return toText(bytes) ?? { base64: Buffer.from(bytes).toString('base64') };
}
