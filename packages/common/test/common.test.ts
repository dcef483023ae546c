import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareBytes,
  concatBytes,
  crc32,
  DleError,
  isDleError,
  randomBelow,
  randomId,
  readUint64,
  SeededRandom,
  systemClock,
  systemRandom,
  toBytes,
  toText,
  writeUint64,
} from '../src/index.js';

describe('crc32', () => {
  it('gives the check value of CRC-32/ISO-HDLC', () => {
    expect(crc32(toBytes('123456789'))).toBe(0xcbf43926);
  });

  it('agrees with zlib on both sides of the length where the implementation changes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(600), (bytes, cut) => {
        const seed = crc32(bytes.subarray(0, cut));
        expect(crc32(bytes)).toBe(zlibCrc32(bytes));
        expect(crc32(bytes.subarray(cut), seed)).toBe(zlibCrc32(bytes));
      }),
    );
  });
});

describe('64-bit numbers', () => {
  it('round-trip every unsigned safe integer, little-endian', () => {
    const view = new DataView(new ArrayBuffer(8));
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        writeUint64(view, 0, value);
        expect(readUint64(view, 0)).toBe(value);
        expect(view.getBigUint64(0, true)).toBe(BigInt(value));
      }),
    );
  });

  it('refuse to write, and read as NaN, what is not a safe integer', () => {
    const view = new DataView(new ArrayBuffer(8));
    for (const value of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => writeUint64(view, 0, value)).toThrow(/safe integer/);
    }
    view.setBigUint64(0, 2n ** 53n, true);
    expect(readUint64(view, 0)).toBeNaN();
  });
});

describe('bytes', () => {
  it('tell text from what is not UTF-8', () => {
    expect(toText(toBytes('Zürich'))).toBe('Zürich');
    expect(toText(Uint8Array.of(0xff))).toBeUndefined();
  });

  it('keep a byte order mark, which belongs to the key it stands in', () => {
    expect(toBytes(toText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))!)).toHaveLength(4);
  });

  it('join and compare bytewise', () => {
    expect(concatBytes([toBytes('a'), toBytes(''), toBytes('bc')])).toEqual(toBytes('abc'));
    expect(compareBytes(Uint8Array.of(0x7f), Uint8Array.of(0x80))).toBeLessThan(0);
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0);
  });
});

describe('DleError', () => {
  it('keeps code, cause, retryable and effect', () => {
    const cause = new Error('EIO');
    const error = new DleError('DLE_IO', 'the disk failed', { cause, effect: 'unknown' });
    expect(error).toMatchObject({ code: 'DLE_IO', retryable: false, effect: 'unknown', cause });
    expect(isDleError(error, 'DLE_IO')).toBe(true);
    expect(isDleError(error, 'DLE_CORRUPT')).toBe(false);
    expect(DleError.from(error)).toBe(error);
    expect(DleError.from('odd').message).toBe('odd');
  });
});

describe('SeededRandom', () => {
  it('gives the same sequence from the same seed, and others from others', () => {
    const draw = (seed: number) => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 8 }, () => random.nextUint32());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)).not.toEqual(draw(7 + 2 ** 32));
  });

  it('draws below a bound, all over it', () => {
    const random = new SeededRandom(1);
    const seen = new Set(Array.from({ length: 300 }, () => randomBelow(random, 5)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(randomId(random)).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('systemClock', () => {
  it('runs what is deferred after the present turn, and no timer that was cancelled', async () => {
    const order: string[] = [];
    const cancel = systemClock.setTimer(() => order.push('cancelled'), 0);
    systemClock.defer(() => order.push('deferred'));
    await Promise.resolve();
    order.push('microtask');
    cancel();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(order).toEqual(['microtask', 'deferred']);
  });
});

describe('systemRandom', () => {
  it('goes on with other words when those are used up that it has drawn', () => {
    const words = Array.from({ length: 2_000 }, () => systemRandom.nextUint32());
    expect(words.every((word) => word === word >>> 0)).toBe(true);
    expect(new Set(words).size).toBeGreaterThan(1_990);
  });
});
