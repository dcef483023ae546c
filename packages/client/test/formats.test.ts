import { DleError } from '@dle/common';
import { jsonl, LineSplitter, type RecordFormat } from '@dle/common/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tsv } from '../src/cli/formats/tsv.js';

/** Any bytes, and often those that the formats treat in a way of their own. */
const special = fc.constantFrom(
  0x00,
  0x09,
  0x0a,
  0x0d,
  0x22,
  0x5c,
  0x78,
  0x7f,
  0x80,
  0xef,
  0xbb,
  0xbf,
);
const anyBytes = fc
  .array(fc.oneof(special, fc.nat(255)), { maxLength: 30 })
  .map((list) => Uint8Array.from(list));
const text = fc.string({ unit: 'binary' }).map((value) => new Uint8Array(Buffer.from(value)));
const pair = fc.record({ key: fc.oneof(anyBytes, text), value: fc.oneof(anyBytes, text) });

function parse(format: RecordFormat, line: string | Uint8Array): { key: string; value: string } {
  const { key, value } = format.parseLine(Buffer.from(line));
  return { key: Buffer.from(key).toString(), value: Buffer.from(value).toString() };
}

function complaintOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof DleError && error.code === 'DLE_INVALID_ARGUMENT') return error.message;
    throw error;
  }
  throw new Error('nothing was wrong');
}

describe.each([
  ['TSV', tsv],
  ['JSON lines', jsonl],
])('%s', (_, format) => {
  it('brings back any bytes, one record a line, from a file read in any pieces', () => {
    fc.assert(
      fc.property(fc.array(pair), fc.integer({ min: 1, max: 40 }), (pairs, pieceBytes) => {
        const file = Buffer.concat(pairs.map((record) => format.formatLine(record)));
        const splitter = new LineSplitter();
        const lines: Uint8Array[] = [];
        for (let at = 0; at < file.length; at += pieceBytes) {
          lines.push(...splitter.push(file.subarray(at, at + pieceBytes)));
        }
        lines.push(...splitter.end());
        const parsed = lines.map((line) => format.parseLine(line));
        expect(parsed.map(plain)).toEqual(pairs.map(plain));
      }),
      { numRuns: 500 },
    );
  });

  it('writes text as text', () => {
    const record = { key: Buffer.from('Zürich'), value: Buffer.from('東京 "quoted"') };
    const line = Buffer.from(format.formatLine(record)).toString();
    expect(line).toContain('Zürich');
    expect(line).toContain('東京');
  });

  it('says what is wrong with any line it does not take', () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, text), (line) => {
        try {
          format.parseLine(line);
        } catch (error) {
          expect(error).toMatchObject({ code: 'DLE_INVALID_ARGUMENT' });
        }
      }),
    );
  });
});

function plain({ key, value }: { key: Uint8Array; value: Uint8Array }) {
  return { key: Buffer.from(key).toString('hex'), value: Buffer.from(value).toString('hex') };
}

describe('TSV', () => {
  it('reads escapes, and a line that ends as on Windows', () => {
    expect(parse(tsv, 'a\\tb\tc\\n\\r\\\\\\x41\r')).toEqual({ key: 'a\tb', value: 'c\n\r\\A' });
    expect(parse(tsv, '\t')).toEqual({ key: '', value: '' });
    expect([...tsv.parseLine(Buffer.from('k\t\\xfF\\x00')).value]).toEqual([255, 0]);
  });

  it('begins with a key that begins with a byte order mark, and does not lose it', () => {
    const record = { key: Buffer.from('\ufeffa'), value: Buffer.from('b') };
    const [line] = [...new LineSplitter().push(tsv.formatLine(record))];
    expect(plain(tsv.parseLine(line!))).toEqual(plain(record));
  });

  it('writes what cannot be seen as escapes', () => {
    const record = { key: Uint8Array.of(0, 9, 10, 13, 92, 127), value: Uint8Array.of(0x61, 0xff) };
    expect(Buffer.from(tsv.formatLine(record)).toString()).toBe(
      '\\x00\\t\\n\\r\\\\\\x7f\ta\\xff\n',
    );
  });

  it.each([
    ['no tab', 'key', /no tab/],
    ['a tab too many', 'a\tb\tc', /more than one tab/],
    ['an unknown escape', 'a\t\\q', /backslash/],
    ['a backslash at the end', 'a\tb\\', /backslash/],
    ['a backslash at the end of the key', 'a\\\tb', /backslash/],
    ['one digit', 'a\t\\x4', /two hexadecimal digits/],
    ['no digits', 'a\t\\xgg', /two hexadecimal digits/],
    ['a sign for a digit', 'a\t\\x+1', /two hexadecimal digits/],
  ])('refuses %s', (_, line, message) => {
    expect(complaintOf(() => parse(tsv, line))).toMatch(message);
  });
});
