import type { Random } from '@dle/common';
import { LiveBytes } from '../compaction/live-bytes.js';
import { plainMemory } from '../key-index/index-memory.js';
import { drawSeed, KeyIndex } from '../key-index/key-index.js';
import { SegmentSlots } from '../key-index/position.js';
import type { SegmentFiles } from '../log/segment-files.js';
import { nativeBinding } from '../native/native.js';
import { KeyReader } from './key-reader.js';
import { Keyspace } from './keyspace.js';
import { createNativeIndex, type NativeIndex, nativeMemory } from './native-index.js';
import { SegmentReader } from './segment-reader.js';

/** What a store knows of its keys, and how it reads them. */
export interface KeyState {
  readonly space: Keyspace;
  readonly reader: KeyReader;
  readonly index: KeyIndex;
  readonly live: LiveBytes;
  readonly segments: SegmentReader;
  readonly slots: SegmentSlots;
  readonly native: NativeIndex | undefined;
}

export interface KeyStateComponents {
  readonly files: SegmentFiles;
  readonly random: Random;
}

/** `segmentSize`: of segments that are being written, in bytes. */
export function createKeyState(
  { files, random }: KeyStateComponents,
  segmentSize: number,
): KeyState {
  const slots = new SegmentSlots();
  const live = new LiveBytes(slots);
  const segments = new SegmentReader(files, slots);
  const seed = drawSeed(random);
  const binding = nativeBinding();
  const native =
    binding && createNativeIndex(binding, { files, slots, live }, { seed, segmentSize });
  const index = new KeyIndex({
    keys: segments,
    memory: binding === undefined ? plainMemory : nativeMemory(binding),
    seed,
    mirror: native?.lookup,
  });
  return {
    space: new Keyspace({ index, slots, live, segments, native }),
    reader: new KeyReader(index, segments, native),
    index,
    live,
    segments,
    slots,
    native,
  };
}
