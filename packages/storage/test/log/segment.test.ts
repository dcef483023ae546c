import { DleError } from '@dle/common';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Segment } from '../../src/log/segment.js';
import type { Vfs, VfsFile } from '../../src/vfs/vfs.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** What the system was asked for. */
interface Call {
  readonly what: 'allocate' | 'write';
  readonly position: number;
  readonly length: number;
}

/** A file whose system sets space aside without writing to it, or writes zeros. */
class FileOfCalls {
  readonly path = '/file';
  readonly calls: Call[] = [];
  bytes: Uint8Array = new Uint8Array(0);
  setsAside = true;
  capacityBytes = Number.POSITIVE_INFINITY;

  size(): number {
    return this.bytes.length;
  }

  allocateSync(position: number, length: number): boolean {
    this.calls.push({ what: 'allocate', position, length });
    if (position + length > this.capacityBytes) throw new DleError('DLE_DISK_FULL', 'full');
    const grown = new Uint8Array(position + length);
    grown.set(this.bytes);
    this.bytes = grown;
    return !this.setsAside;
  }

  writeSync(parts: readonly Uint8Array[], position: number): void {
    let offset = position;
    for (const part of parts) {
      this.bytes.set(part, offset);
      offset += part.length;
    }
    this.calls.push({ what: 'write', position, length: offset - position });
  }
}

let file: FileOfCalls;

beforeEach(() => {
  file = new FileOfCalls();
});

function segmentOf(capacity: number): Segment {
  const vfs = { createSync: () => file as unknown as VfsFile } as unknown as Vfs;
  return Segment.create(vfs, '/', 1, capacity);
}

function allocations(): number[] {
  return file.calls.filter(({ what }) => what === 'allocate').map(({ length }) => length);
}

describe('the space of a segment', () => {
  it('is taken in larger steps where nothing has to be written for it, up to its capacity', () => {
    const segment = segmentOf(18 * MIB);
    for (let end = 1; end <= 18 * MIB; end += 64 * KIB - 1) segment.reserve(end);
    segment.reserve(18 * MIB);
    expect(allocations()).toEqual([MIB, 4 * MIB, 4 * MIB, 4 * MIB, 4 * MIB, MIB]);
    expect(segment.reserved).toBe(18 * MIB);
  });

  it('is taken a quarter at a time where the segment is small', () => {
    const segment = segmentOf(10 * MIB);
    for (let end = 1; end <= 10 * MIB; end += 64 * KIB - 1) segment.reserve(end);
    expect(allocations()).toEqual([MIB, 2.5 * MIB, 2.5 * MIB, 2.5 * MIB, 1.5 * MIB]);
  });

  it('is taken in small steps where zeros are written', () => {
    file.setsAside = false;
    const segment = segmentOf(3 * MIB + 5);
    for (let end = 1; end <= 3 * MIB; end += 64 * KIB - 1) segment.reserve(end);
    segment.reserve(3 * MIB + 5);
    expect(allocations()).toEqual([MIB, MIB, MIB, 5]);
    expect(file.calls.length).toBe(4);
  });

  it('is what is needed and no more when the disk has no room for a step', () => {
    const segment = segmentOf(64 * MIB);
    file.capacityBytes = 1_000;
    segment.reserve(900);
    segment.reserve(1_000);
    expect(() => segment.reserve(1_001)).toThrow(
      expect.objectContaining({ code: 'DLE_DISK_FULL' }),
    );
    expect(segment.reserved).toBe(1_000);
    file.capacityBytes = 8 * MIB;
    segment.reserve(1_001);
    expect(segment.reserved).toBe(1_000 + 4 * MIB);
  });

  it('is filled with zeros ahead of small writes, and not of large ones', () => {
    const segment = segmentOf(64 * MIB);
    segment.reserve(100);
    expect(file.calls.at(-1)).toEqual({ what: 'write', position: 0, length: 256 * KIB });
    const before = file.calls.length;
    segment.reserve(256 * KIB);
    expect(file.calls.length).toBe(before);
    segment.reserve(700 * KIB);
    expect(file.calls.length).toBe(before);
    segment.reserve(700 * KIB + 1);
    const filled = { what: 'write', position: 700 * KIB, length: 256 * KIB };
    expect(file.calls.slice(before)).toEqual([filled]);
  });

  it('refuses what was not reserved', () => {
    const segment = segmentOf(MIB);
    segment.reserve(100);
    segment.write([new Uint8Array(60), new Uint8Array(40)], 0);
    const beyond = 256 * KIB;
    expect(() => segment.write([new Uint8Array(2)], beyond - 1)).toThrow(/was not reserved/);
  });

  it('keeps what is written, whatever is taken meanwhile', () => {
    const anyWrite = fc.record({
      length: fc.integer({ min: 1, max: 600 * KIB }),
      ahead: fc.nat(MIB),
    });
    fc.assert(
      fc.property(fc.array(anyWrite, { maxLength: 20 }), fc.boolean(), (writes, setsAside) => {
        file = new FileOfCalls();
        file.setsAside = setsAside;
        const segment = segmentOf(64 * MIB);
        let tail = 0;
        for (const [place, { length, ahead }] of writes.entries()) {
          segment.reserve(tail + length + (place % 2 === 0 ? ahead : 0));
          segment.write([new Uint8Array(length).fill(place + 1)], tail);
          tail += length;
        }
        let at = 0;
        for (const [place, { length }] of writes.entries()) {
          expect(file.bytes.subarray(at, at + length).every((byte) => byte === place + 1)).toBe(
            true,
          );
          at += length;
        }
        expect(file.bytes.subarray(at).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
