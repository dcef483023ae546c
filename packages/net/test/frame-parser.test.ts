import { concatBytes, DleError, SeededRandom } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeControl } from '../src/control.js';
import { FrameKind } from '../src/frame.js';
import { FrameParser } from '../src/frame-parser.js';
import { MAX_CONTROL_BYTES, MAX_HELLO_BYTES } from '../src/limits.js';
import { EMPTY_CONTROL } from '../src/types.js';
import { encodeFrame, encodeHeader } from './support/frames.js';

interface PlainFrame {
  readonly kind: FrameKind;
  readonly id: number;
  readonly control: Record<string, unknown>;
  readonly raw: Uint8Array;
}

const LIMIT = 256 * 1024;

/** Long bytes of any length, in which no stretch is like another; quick to draw. */
const longBytes = fc
  .record({ length: fc.integer({ min: 60_000, max: 140_000 }), step: fc.nat(255) })
  .map(({ length, step }) => new Uint8Array(length).map((_, at) => (at * step + (at >> 8)) & 255));

const anyFrame: fc.Arbitrary<PlainFrame> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(FrameKind.request, FrameKind.response),
    id: fc.integer({ min: 1, max: 0xffff_ffff }),
    control: fc.dictionary(fc.string({ maxLength: 8 }), fc.nat(), { noNullPrototype: true }),
    raw: fc.oneof(fc.uint8Array({ maxLength: 200 }), longBytes),
  }),
  fc.record({
    kind: fc.constant(FrameKind.message),
    id: fc.constant(0),
    control: fc.constant({ type: 'm' }),
    raw: fc.uint8Array({ maxLength: 500 }),
  }),
);

const encode = ({ kind, id, control, raw }: PlainFrame): Uint8Array =>
  encodeFrame(kind, id, control, raw);

/** Every frame that comes out of `chunks`, in copies. */
function parseAll(chunks: readonly Uint8Array[]): PlainFrame[] {
  const parser = new FrameParser(LIMIT);
  const frames: PlainFrame[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    while (parser.next()) {
      frames.push({
        kind: parser.kind,
        id: parser.id,
        control: parser.control(),
        raw: new Uint8Array(parser.raw()),
      });
    }
  }
  expect(parser.between).toBe(true);
  return frames;
}

/** Cuts `bytes` into chunks whose lengths are drawn from `sizes`, over and over. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let start = 0, turn = 0; start < bytes.length; turn++) {
    const end = start + sizes[turn % sizes.length]!;
    chunks.push(new Uint8Array(bytes.subarray(start, end)));
    start = end;
  }
  return chunks;
}

/** Bytes as one string, which compares in no time. */
const digest = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function expectSame(actual: readonly PlainFrame[], expected: readonly PlainFrame[]): void {
  const comparable = (frame: PlainFrame): unknown => ({ ...frame, raw: digest(frame.raw) });
  expect(actual.map(comparable)).toEqual(expected.map(comparable));
}

function errorOf(action: () => unknown): DleError {
  try {
    action();
  } catch (error) {
    if (error instanceof DleError) return error;
    throw error;
  }
  throw new Error('it did not throw');
}

describe('any cutting of any frames', () => {
  test('gives the same frames', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 6 }),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 70_000 })), {
          minLength: 1,
          maxLength: 5,
        }),
        (frames, sizes) => {
          // One byte at a time through 100 KiB proves nothing more and takes seconds.
          fc.pre(Math.max(...sizes) > 1_000 || frames.every(({ raw }) => raw.length < 1_000));
          expectSame(parseAll(cut(concatBytes(frames.map(encode)), sizes)), frames);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('gives the same frames when the taker pauses between them and more comes meanwhile', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 300, max: 50_000 }),
        (frames, size) => {
          const parser = new FrameParser(LIMIT);
          const chunks = cut(concatBytes(frames.map(encode)), [size]);
          const seen: Uint8Array[] = [];
          // A frame for every other chunk, the rest at the end.
          chunks.forEach((chunk, index) => {
            parser.push(chunk);
            if (index % 2 === 1 && parser.next()) seen.push(new Uint8Array(parser.raw()));
          });
          while (parser.next()) seen.push(new Uint8Array(parser.raw()));
          expect(seen.map(digest)).toEqual(frames.map(({ raw }) => digest(raw)));
        },
      ),
      { numRuns: 50 },
    );
  });
});

test('a single flipped bit anywhere is detected', () => {
  fc.assert(
    fc.property(
      anyFrame.filter(({ raw }) => raw.length < 1_000),
      fc.nat(),
      (frame, seed) => {
        const bytes = encode(frame);
        const bit = seed % (bytes.length * 8);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        const parser = new FrameParser(LIMIT);
        parser.push(bytes);
        const error = errorOf(() => parser.next());
        expect(['DLE_BAD_FRAME', 'DLE_FORMAT']).toContain(error.code);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('every bit of a header counts', () => {
  const whole = encodeFrame(FrameKind.request, 7, { op: 'get' }, Uint8Array.of(1, 2, 3));
  for (let bit = 0; bit < 32 * 8; bit++) {
    const bytes = new Uint8Array(whole);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    const parser = new FrameParser(LIMIT);
    parser.push(bytes);
    expect(() => parser.next(), `bit ${bit}`).toThrow(DleError);
  }
});

test('random bytes are never taken for a frame', () => {
  const seed = 20_260_801;
  const random = new SeededRandom(seed);
  for (let round = 0; round < 5_000; round++) {
    const bytes = new Uint8Array(32 + (random.nextUint32() % 96));
    for (let index = 0; index < bytes.length; index++) bytes[index] = random.nextUint32();
    // Half of the rounds look right at first.
    if (round % 2 === 0) bytes.set([0x44, 0x4c, 0x45, 0x57, 1, 4, 32, 0]);
    const parser = new FrameParser(LIMIT);
    parser.push(bytes);
    expect(() => parser.next(), `seed ${seed}, round ${round}`).toThrow(DleError);
  }
});

describe('a frame whose checksums are right is refused', () => {
  const header = { kind: FrameKind.request, id: 1 };
  test.each([
    ['DLE_BAD_FRAME', 'with another magic', { ...header, magic: 'HTTP' }],
    ['DLE_FORMAT', 'of another version', { ...header, version: 2 }],
    ['DLE_FORMAT', 'of kind 0', { ...header, kind: 0 }],
    ['DLE_FORMAT', 'of kind 9', { ...header, kind: 9 }],
    ['DLE_BAD_FRAME', 'with a longer header', { ...header, headerLength: 40 }],
    ['DLE_BAD_FRAME', 'with a reserved field in use', { ...header, reserved: 1 }],
    ['DLE_BAD_FRAME', 'as a request without an id', { ...header, id: 0 }],
    ['DLE_BAD_FRAME', 'as a message with an id', { kind: FrameKind.message, id: 1 }],
    ['DLE_BAD_FRAME', 'as a ping with a body', { kind: FrameKind.ping, controlLength: 1 }],
    ['DLE_BAD_FRAME', 'as a hello with raw bytes', { kind: FrameKind.hello, rawLength: 1 }],
    ['DLE_FRAME_TOO_LARGE', 'over the limit', { ...header, rawLength: LIMIT + 1 }],
    ['DLE_FRAME_TOO_LARGE', 'of 4 GiB', { ...header, rawLength: 0xffff_ffff }],
    [
      'DLE_FRAME_TOO_LARGE',
      'with a control part over the limit',
      { ...header, controlLength: MAX_CONTROL_BYTES + 1 },
    ],
  ] as const)('%s: %s', (code, _what, fields) => {
    const parser = new FrameParser(LIMIT);
    parser.push(encodeHeader(fields));
    expect(errorOf(() => parser.next()).code).toBe(code);
  });

  test('DLE_BAD_FRAME: with a control part that is not msgpack, or no map', () => {
    for (const control of [[0xc1], [0x93, 1], [0x93, 1, 2, 3], [0x81, 0xa1], [0x80, 0x80]]) {
      const parser = new FrameParser(LIMIT);
      parser.push(encodeFrame(FrameKind.request, 1, Uint8Array.from(control)));
      expect(parser.next()).toBe(true);
      expect(errorOf(() => parser.control()).code, `${control}`).toBe('DLE_BAD_FRAME');
    }
  });

  test('but not for a control part of no bytes, which stands for an empty map', () => {
    const { start, end } = encodeControl(EMPTY_CONTROL);
    expect(end - start).toBe(0);
    const parser = new FrameParser(LIMIT);
    parser.push(encodeFrame(FrameKind.request, 1, new Uint8Array(0)));
    expect(parser.next()).toBe(true);
    expect(parser.control()).toEqual({});
  });
});

test('a giant length takes no memory before it has been held against the limit', () => {
  const before = process.memoryUsage().arrayBuffers;
  const parsers = Array.from({ length: 1_000 }, () => {
    const parser = new FrameParser(MAX_HELLO_BYTES);
    parser.push(encodeHeader({ kind: FrameKind.request, id: 1, rawLength: MAX_HELLO_BYTES + 1 }));
    expect(() => parser.next()).toThrow(DleError);
    return parser;
  });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
  expect(parsers).toHaveLength(1_000);
});

test('a body that is promised and does not come takes memory for what has come only', () => {
  const before = process.memoryUsage().arrayBuffers;
  const parsers = Array.from({ length: 100 }, () => {
    const parser = new FrameParser(64 * 1024 * 1024);
    const rawLength = 64 * 1024 * 1024;
    parser.push(encodeHeader({ kind: FrameKind.request, id: 1, rawLength }));
    expect(parser.next()).toBe(false);
    parser.push(new Uint8Array(10));
    expect(parser.next()).toBe(false);
    return parser;
  });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 70 * 1024);
  expect(parsers).toHaveLength(100);
});

describe('what is handed out', () => {
  test('a small raw part does not keep its chunk alive', () => {
    const small = encodeFrame(FrameKind.message, 0, {}, new Uint8Array(20));
    const parser = new FrameParser(LIMIT);
    parser.push(concatBytes(Array.from({ length: 1_000 }, () => small)));
    expect(parser.next()).toBe(true);
    expect(parser.raw().buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
  });

  test('a large raw part is not copied', () => {
    const chunk = encodeFrame(FrameKind.message, 0, {}, new Uint8Array(50_000));
    const parser = new FrameParser(LIMIT);
    parser.push(chunk);
    expect(parser.next()).toBe(true);
    expect(parser.raw().buffer).toBe(chunk.buffer);
  });

  test('bytes in a control part are copies: the scratch memory they were read in is used again', () => {
    const parser = new FrameParser(LIMIT);
    const controls = [1, 2].map((fill) => {
      parser.push(encodeFrame(FrameKind.message, 0, { bytes: Buffer.alloc(10, fill) }));
      parser.next();
      return parser.control();
    });
    expect(controls.map(({ bytes }) => [...(bytes as Uint8Array)])).toEqual([
      Array(10).fill(1),
      Array(10).fill(2),
    ]);
  });
});
