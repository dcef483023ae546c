import { DleError } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonl } from '../src/cli/formats/jsonl.js';
import { LineSplitter, MAX_LINE_BYTES } from '../src/cli/formats/lines.js';
import type { RecordFormat } from '../src/cli/formats/record-format.js';
import { tsv } from '../src/cli/formats/tsv.js';

const LINE_FEED = 0x0a;

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

describe('JSON lines', () => {
  it('reads strings and base64', () => {
    expect(parse(jsonl, '{"key":"a\\u00fc","value":{"base64":"aGk="}}\r')).toEqual({
      key: 'aü',
      value: 'hi',
    });
    expect(parse(jsonl, '{"value":"","key":""}')).toEqual({ key: '', value: '' });
  });

  it.each([
    ['no JSON', '{"key":', /not JSON/],
    ['no object', '["key","value"]', /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    ['no value', '{"key":"a"}', /value is missing/],
    ['a number', '{"key":"a","value":1}', /value must be a string/],
    ['null as a value', '{"key":"a","value":null}', /value must be a string/],
    ['an object', '{"key":"a","value":{"b":1}}', /value must be a string/],
    ['base64 and more', '{"key":"a","value":{"base64":"","b":1}}', /value must be a string/],
    ['base64 that is none', '{"key":{"base64":"*"},"value":""}', /key is not base64/],
    ['base64 without padding', '{"key":{"base64":"aGk"},"value":""}', /key is not base64/],
    ['base64 with bits to spare', '{"key":{"base64":"aGl="},"value":""}', /key is not base64/],
    ['base64 of a number', '{"key":{"base64":1},"value":""}', /key is not base64/],
    ['a field that would be lost', '{"key":"a","value":"b","ttl":1}', /unknown field "ttl"/],
    ['half a surrogate pair', '{"key":"\\ud800","value":""}', /half a surrogate pair/],
  ])('refuses %s', (_, line, message) => {
    expect(complaintOf(() => parse(jsonl, line))).toMatch(message);
  });

  it('refuses bytes that are not UTF-8, which JSON.parse would have replaced', () => {
    const line = Buffer.from([...Buffer.from('{"key":"'), 0xff, ...Buffer.from('","value":""}')]);
    expect(complaintOf(() => jsonl.parseLine(line))).toMatch(/not UTF-8/);
  });
});

describe('lines', () => {
  it('come without a byte order mark, which only a file may begin with', () => {
    const splitter = new LineSplitter();
    const lines = [...splitter.push(Buffer.from('\ufeffa\tb\n\ufeffc\td\n'))];
    expect(lines.map((line) => Buffer.from(line).toString())).toEqual(['a\tb', '\ufeffc\td']);
  });

  it('include the last one, whether it ends in a line feed or not', () => {
    const splitter = new LineSplitter();
    expect([...splitter.push(Buffer.from('a\n\nb'))]).toHaveLength(2);
    expect([...splitter.end()]).toHaveLength(1);
    const closed = new LineSplitter();
    expect([...closed.push(Buffer.from('a\n'))]).toHaveLength(1);
    expect([...closed.end()]).toHaveLength(0);
  });

  it('that never end are refused before they fill the memory', () => {
    const splitter = new LineSplitter();
    const chunk = new Uint8Array(1024 * 1024).fill(LINE_FEED + 1);
    const swallow = () => {
      for (let bytes = 0; bytes <= MAX_LINE_BYTES; bytes += chunk.length) {
        [...splitter.push(chunk)];
      }
    };
    expect(complaintOf(swallow)).toMatch(/longer than/);
  });
});
