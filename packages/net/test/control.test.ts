import { DleError } from '@dle/common';
import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { decodeControl, encodeControl } from '../src/control.js';
import type { Control } from '../src/index.js';
import { MAX_CONTROL_BYTES } from '../src/limits.js';

function roundTrip(control: Control): Control {
  const { bytes, start, end } = encodeControl(control);
  return decodeControl(new Uint8Array(bytes.subarray(start, end)), 0, end - start);
}

/** The same with its bytes as plain Uint8Arrays: msgpackr makes Buffers of them, which are no less bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

describe('what goes in comes out', () => {
  test.each([
    0,
    1,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 40 + 1,
    2 ** 53 - 2,
    Number.MAX_SAFE_INTEGER,
    -1,
    -33,
    -(2 ** 31),
    -(2 ** 31) - 1,
    Number.MIN_SAFE_INTEGER,
    0.5,
  ])('%d, as a number', (value) => {
    expect(roundTrip({ value })).toEqual({ value });
  });

  test('any plain map', () => {
    const key = fc.string({ maxLength: 40 }).filter((name) => name !== '__proto__');
    const values = [
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
      fc.string({ unit: 'grapheme', maxLength: 100 }),
      fc.uint8Array(),
    ];
    const value = fc.object({ key, values, maxDepth: 3, maxKeys: 20 }) as fc.Arbitrary<Control>;
    fc.assert(
      fc.property(value, (control) => {
        expect(plain(roundTrip(control))).toEqual(plain(control));
      }),
    );
  });

  test('a property that is undefined stays at home', () => {
    expect(Object.keys(roundTrip({ a: undefined, b: 1 }))).toEqual(['b']);
  });

  test('64-bit integers of other writers: as numbers where they are safe, never rounded', () => {
    const bytes = Buffer.concat([
      Buffer.of(0x82, 0xa1, 0x61, 0xcf),
      Buffer.of(0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      Buffer.of(0xa1, 0x62, 0xcf),
      Buffer.of(0, 0x20, 0, 0, 0, 0, 0, 1),
    ]);
    const control = decodeControl(bytes, 0, bytes.length);
    expect(control.a).toBe(Number.MAX_SAFE_INTEGER);
    expect(control.b).toBe(2n ** 53n + 1n);
  });
});

describe('what cannot be sent', () => {
  test('a control part over 1 MiB is DLE_FRAME_TOO_LARGE, and the next one goes', () => {
    const text = 'x'.repeat(MAX_CONTROL_BYTES);
    expect(() => encodeControl({ text })).toThrow(
      expect.objectContaining({ code: 'DLE_FRAME_TOO_LARGE', effect: 'none' }),
    );
    expect(roundTrip({ text: 'short' })).toEqual({ text: 'short' });
  });

  test('one that contains itself is DLE_INVALID_ARGUMENT, and the next one goes', () => {
    const control: Record<string, unknown> = {};
    control.self = control;
    expect(() => encodeControl(control)).toThrow(
      expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
    );
    expect(roundTrip({ fine: true })).toEqual({ fine: true });
  });
});

describe('what somebody hostile sends', () => {
  const decode = (bytes: Uint8Array): Control => decodeControl(bytes, 0, bytes.length);

  test('deep nesting is an error, not the end of the process', () => {
    const deep = new Uint8Array(MAX_CONTROL_BYTES).fill(0x91);
    expect(() => decode(deep)).toThrow(DleError);
    expect(decode(pack({ fine: true }))).toEqual({ fine: true });
  });

  test('arrays that promise more than there is take no memory', () => {
    // Nested arrays, each announcing 30 million elements.
    const bytes = new Uint8Array(100_000);
    for (let at = 0; at + 5 <= bytes.length; at += 5) bytes.set([0xdd, 0x01, 0xc9, 0xc3, 0x80], at);
    const before = process.memoryUsage().heapUsed;
    expect(() => decode(bytes)).toThrow(DleError);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * 1024 * 1024);
  });

  test('__proto__ as a key gives no one a new prototype', () => {
    const bytes = Buffer.concat([
      Buffer.of(0x81, 0xa9),
      Buffer.from('__proto__'),
      Buffer.of(0x81, 0xa4),
      Buffer.from('evil'),
      Buffer.of(0xc3),
    ]);
    const control = decode(bytes);
    expect(Object.getPrototypeOf(control)).toBe(Object.prototype);
    expect(control.evil).toBeUndefined();
    expect(({} as Control).evil).toBeUndefined();
  });

  test('random bytes are a map or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          expect(Object.getPrototypeOf(decode(bytes))).toBe(Object.prototype);
        } catch (error) {
          expect(error).toMatchObject({ code: 'DLE_BAD_FRAME' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
