import { concatBytes } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DirectoryKeys } from '../../src/directory/directory-keys.js';
import { encodeDirectory } from '../../src/directory/encode-directory.js';
import { NativeKeys } from '../../src/directory/native-keys.js';
import { readSealedSegment } from '../../src/directory/sealed-segment.js';
import { SegmentKeys } from '../../src/directory/segment-keys.js';
import { nativeStatus } from '../../src/index.js';
import { EntryBatch, EntryBatchBuilder, Namespace } from '../../src/internal.js';
import type { SealedSegment } from '../../src/log/log-writer.js';
import { nativeBinding } from '../../src/native/native.js';
import { DIRECTORY, Machine } from '../support/logs.js';

/** Few keys, so that they are written again: short, long, and alike in what they begin with. */
function keyOf(draw: number): Uint8Array {
  const [kind, number] = [draw % 12, Math.floor(draw / 12)];
  if (kind === 0) return new Uint8Array(3_000 + (number % 1_097)).fill(number % 4);
  if (kind === 1) return new Uint8Array(number % 12).fill(number % 3);
  return Buffer.from(`users/0000/${number % 40}`.padEnd(kind * 3, '.'));
}

interface Frame {
  /** A record each; an entry ends where one is divisible by three, and at the end. */
  readonly draws: readonly number[];
  /** So many entries of those before are replaced. */
  readonly replaced: number;
}

const draws = fc.array(fc.nat(2 ** 14), { minLength: 1, maxLength: 60 });
const frames = fc.array(
  fc.record({ draws, replaced: fc.oneof(fc.constant(0), fc.constant(0), fc.nat(4)) }),
  { minLength: 1, maxLength: 60 },
);

function encode(draws: readonly number[], firstIndex: number, term: number): EntryBatch {
  const builder = new EntryBatchBuilder(firstIndex, term);
  for (const [place, draw] of draws.entries()) {
    const key = keyOf(draw);
    if (draw % 5 === 0) builder.delete(key);
    else if (draw % 11 === 0) builder.opaque(Namespace.system, key, new Uint8Array(draw % 9));
    else builder.put(key, new Uint8Array(draw % 300));
    if (draw % 3 === 0 || place === draws.length - 1) builder.endEntry();
  }
  return builder.finish();
}

/** Writes them to a log with segments of 16 KiB; gives those that have been sealed. */
async function write(machine: Machine, frames: readonly Frame[]) {
  const log = await machine.open({ segmentSize: 16_384 });
  const sealed: SealedSegment[] = [];
  log.onSealed((segment) => sealed.push(segment));
  let term = 1;
  for (const { draws, replaced } of frames) {
    const first = Math.max(1, log.lastIndex + 1 - replaced);
    if (first <= log.lastIndex) term++;
    log.append(encode(draws, first, term), { replaces: true });
    await log.whenFlushed(log.accepted);
  }
  const { dead } = log.entries;
  const segments = sealed.map((segment) => ({ ...segment, dead: dead.of(segment.id) }));
  await log.close();
  return segments;
}

/** All that is said of a segment; or what it was refused for. */
async function directoryOf(machine: Machine, segment: SealedSegment, keys: DirectoryKeys) {
  try {
    const { vfs } = machine;
    const content = await readSealedSegment(vfs, DIRECTORY, segment, () => undefined, keys);
    const pieces = Array.from(encodeDirectory(content), ({ offset, bytes }) => {
      return { offset, bytes: Buffer.from(bytes).toString('base64') };
    });
    const { checkpoint, firstIndex, records, flushed } = content;
    return { checkpoint, firstIndex, records, flushed, size: content.keys.size, pieces };
  } catch (thrown) {
    return { thrown: (thrown as Error).message };
  }
}

describe.skipIf(!nativeStatus().loaded)('a key directory made in C', () => {
  const native = () => new NativeKeys(nativeBinding()!);

  it('is the one made here, byte for byte, whatever has become of the segment', async () => {
    let [made, refused] = [0, 0];
    const property = fc.asyncProperty(frames, fc.array(fc.nat()), async (frames, flips) => {
      const machine = new Machine();
      const segments = await write(machine, frames);
      for (const [at, segment] of segments.entries()) {
        const flip = flips[at];
        if (flip !== undefined && flip % 3 === 0) {
          const path = (await machine.segments())[at]!;
          machine.vfs.flipBit(path, flip % machine.vfs.contentOf(path).length, flip % 8);
        }
        const inC = await directoryOf(machine, segment, native());
        expect(inC).toEqual(await directoryOf(machine, segment, new SegmentKeys()));
        if ('thrown' in inC) refused++;
        else made++;
      }
    });
    await fc.assert(property, { numRuns: Number(process.env.DLE_RUNS ?? 60) });
    expect(made).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(2);
  });

  it('takes a frame as it is just where that is whole entries one after the other', () => {
    const batch = fc.record({ draws, gap: fc.constantFrom(0, 0, 0, 1, -1), term: fc.nat(2) });
    let [taken, left] = [0, 0];
    const property = fc.property(fc.array(batch, { minLength: 1, maxLength: 4 }), (batches) => {
      let index = 5;
      const parts = batches.map(({ draws, gap, term }) => {
        const part = encode(draws, index + gap, term);
        index = part.lastIndex + 1;
        return part.bytes;
      });
      const bytes = concatBytes(parts);
      let decoded: EntryBatch | undefined;
      try {
        decoded = EntryBatch.decode(Uint8Array.from(bytes));
      } catch {
        left++;
      }
      const found = native().addFrame(bytes, 4_096);
      expect(found !== undefined).toBe(decoded !== undefined);
      if (decoded === undefined) return;
      taken++;
      const { firstIndex, lastIndex } = decoded;
      expect(found).toMatchObject({ firstIndex, lastIndex, lastTerm: decoded.termAt(lastIndex) });
    });
    fc.assert(property);
    expect(Math.min(taken, left)).toBeGreaterThan(5);
  });

  it('refuses keys that come too late, and blocks that are too short', async () => {
    const collector = nativeBinding()!.directoryKeys(new Float64Array(3));
    collector.add(Buffer.from('key'), 64, 7, 3, 1);
    expect(() => collector.add(new Uint8Array(5_000), 64, 8, 3, 1)).toThrow();
    collector.beginSort();
    expect(() => collector.add(Buffer.from('other'), 128, 8, 3, 1)).toThrow();
    while (collector.stepSort() < 0);
    expect(() => collector.fillBlock(new Uint8Array(16_383), 0, 7)).toThrow(RangeError);
    expect(() => collector.fillBlock(new Uint8Array(16_384), 0, 8)).toThrow(RangeError);
    collector.fillBlock(new Uint8Array(16_384), 5, 7);
    collector.release();
    expect(collector.stepSort()).toBe(0);
    expect(() => nativeBinding()!.directoryKeys(new Float64Array(2))).not.toThrow();
  });
});
