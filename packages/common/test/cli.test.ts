import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DleError, toBytes } from '../src/index.js';
import {
  failureLine,
  jsonl,
  LineSplitter,
  MAX_LINE_BYTES,
  shelterOperands,
  UsageError,
  unshelterArguments,
} from '../src/internal.js';

const LINE_FEED = 0x0a;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function parse(line: string): { key: string; value: string } {
  const { key, value } = jsonl.parseLine(Buffer.from(line));
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

describe('words', () => {
  it('are operands as they stand where they are a dash, or behind two', () => {
    const sheltered = shelterOperands(['put', '-', '--json', '--', '--key', '-', '--']);
    expect(sheltered.map((word) => word.startsWith('-'))).toEqual(
      Array(6).fill(false).with(2, true),
    );
    const parsed = { _: sheltered, key: sheltered[3], json: true };
    unshelterArguments(parsed);
    expect(parsed).toMatchObject({ key: '--key', json: true });
  });
});

describe('a failure', () => {
  it('is one line, with its code and what to do', () => {
    const refused = new DleError('DLE_DISK_FULL', 'no room\nat all');
    const advice = { DLE_DISK_FULL: 'make some' } as const;
    expect(failureLine('dle', refused, advice)).toBe('DLE_DISK_FULL: no room at all; make some');
    expect(failureLine('dle', refused)).toBe('DLE_DISK_FULL: no room at all');
    expect(failureLine('dle', new UsageError('what?'))).toBe('usage: what?; see "dle --help"');
    const system = Object.assign(new Error('ENOENT'), { syscall: 'open' });
    expect(failureLine('dle', system)).toBe('DLE_IO: ENOENT');
    expect(failureLine('dle', new Error('oops'))).toMatch(/^DLE_INTERNAL: /);
  });
});

describe('JSON lines', () => {
  it('bring back any bytes', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.string().map(toBytes));
    fc.assert(
      fc.property(bytes, bytes, (key, value) => {
        const [line] = new LineSplitter().push(jsonl.formatLine({ key, value }));
        const read = jsonl.parseLine(line!);
        expect([read.key, read.value].map(hex)).toEqual([key, value].map(hex));
      }),
    );
  });

  it('reads strings and base64', () => {
    expect(parse('{"key":"a\\u00fc","value":{"base64":"aGk="}}\r')).toEqual({
      key: 'aü',
      value: 'hi',
    });
    expect(parse('{"value":"","key":""}')).toEqual({ key: '', value: '' });
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
    expect(complaintOf(() => parse(line))).toMatch(message);
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
