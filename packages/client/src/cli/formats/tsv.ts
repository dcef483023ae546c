import { isUtf8 } from 'node:buffer';
import { badLine, type Pair, type RecordFormat } from '@dle/common/internal';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;
const LETTER_X = 0x78;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** The letter behind the backslash, and the byte that the two stand for. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x74, TAB],
  [0x6e, LINE_FEED],
  [0x72, CARRIAGE_RETURN],
  [BACKSLASH, BACKSLASH],
]);

const LETTERS: ReadonlyMap<number, number> = new Map(
  [...ESCAPES].map(([letter, byte]) => [byte, letter]),
);

/**
 * `key<TAB>value`. Escaped are `\t`, `\n`, `\r`, `\\`, and any byte as `\xHH`. Every other byte
 * stands for itself, whether it is UTF-8 or not.
 */
export const tsv: RecordFormat = {
  parseLine(line) {
    const fields = withoutCarriageReturn(line);
    const tab = fields.indexOf(TAB);
    if (tab === -1) throw badLine('no tab between key and value');
    if (fields.indexOf(TAB, tab + 1) !== -1) {
      throw badLine('more than one tab; a tab within a key or a value is written \\t');
    }
    return {
      key: decodeField(fields.subarray(0, tab)),
      value: decodeField(fields.subarray(tab + 1)),
    };
  },

  formatLine({ key, value }: Pair) {
    const parts = [
      encodeField(key),
      Uint8Array.of(TAB),
      encodeField(value),
      Uint8Array.of(LINE_FEED),
    ];
    return Buffer.concat(parts);
  },
};

/**
 * Files made on Windows end their lines in CR LF. A carriage return that is data is written `\r`.
 */
function withoutCarriageReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

function decodeField(field: Uint8Array): Uint8Array {
  let from = field.indexOf(BACKSLASH);
  if (from === -1) return field;
  const bytes = new Uint8Array(field.length);
  bytes.set(field.subarray(0, from));
  let to = from;
  while (from < field.length) {
    const byte = field[from++]!;
    if (byte !== BACKSLASH) {
      bytes[to++] = byte;
      continue;
    }
    const letter = field[from++];
    if (letter === LETTER_X) {
      bytes[to++] = hexadecimal(field.subarray(from, from + 2));
      from += 2;
      continue;
    }
    const escaped = letter === undefined ? undefined : ESCAPES.get(letter);
    if (escaped === undefined) {
      throw badLine(
        'a backslash must be followed by t, n, r, another backslash, or x and two digits',
      );
    }
    bytes[to++] = escaped;
  }
  return bytes.subarray(0, to);
}

function hexadecimal(digits: Uint8Array): number {
  const text = Buffer.from(digits).toString('latin1');
  if (!/^[0-9a-fA-F]{2}$/.test(text))
    throw badLine('\\x must be followed by two hexadecimal digits');
  return Number.parseInt(text, 16);
}

/**
 * Text stays readable. Control characters are escaped, and so is all that is not ASCII in a field
 * that is not
 * UTF-8, or that begins with a byte order mark: at the start of a file that one would be taken for
 * none of it.
 */
function encodeField(field: Uint8Array): Uint8Array {
  const text = isUtf8(field) && !BYTE_ORDER_MARK.equals(field.subarray(0, 3));
  let plain = 0;
  while (plain < field.length && standsForItself(field[plain]!, text)) plain++;
  if (plain === field.length) return field;
  // At most four bytes for one: `\xHH`.
  const bytes = Buffer.allocUnsafe(plain + (field.length - plain) * 4);
  bytes.set(field.subarray(0, plain));
  let to = plain;
  for (let from = plain; from < field.length; from++) {
    const byte = field[from]!;
    if (standsForItself(byte, text)) {
      bytes[to++] = byte;
      continue;
    }
    bytes[to++] = BACKSLASH;
    const letter = LETTERS.get(byte);
    if (letter !== undefined) bytes[to++] = letter;
    else to += bytes.write(`x${byte.toString(16).padStart(2, '0')}`, to, 'latin1');
  }
  return bytes.subarray(0, to);
}

function standsForItself(byte: number, text: boolean): boolean {
  if (byte < SPACE || byte === BACKSLASH || byte === DELETE) return false;
  return text || byte < 0x80;
}
