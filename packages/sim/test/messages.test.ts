import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageShuffle } from '../src/network/messages.js';

const HEADER_BYTES = 32;
const REQUEST = 4;
const MESSAGE = 6;

function frame(kind: number, name: number, bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + bodyBytes).fill(name, HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(5, kind);
  view.setUint32(8, name, true);
  view.setUint32(12, Math.floor(bodyBytes / 3), true);
  view.setUint32(16, bodyBytes - Math.floor(bodyBytes / 3), true);
  return bytes;
}

function pass(shuffle: MessageShuffle, stream: Uint8Array, cuts: readonly number[]): Buffer {
  const passed: Uint8Array[] = [];
  for (let at = 0, cut = 0; at < stream.length; cut++) {
    const end = at + cuts[cut % cuts.length]!;
    passed.push(shuffle.pass(stream.subarray(at, end)));
    at = end;
  }
  return Buffer.concat(passed);
}

describe('messages on their way', () => {
  const frames = [
    frame(REQUEST, 1, 0),
    frame(MESSAGE, 2, 100),
    frame(REQUEST, 3, 5_000),
    frame(MESSAGE, 4, 7),
    frame(MESSAGE, 5, 1),
  ];
  const stream = Buffer.concat(frames);
  const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 });

  it('pass as they are, however they are cut', () => {
    fc.assert(
      fc.property(cuts, (lengths) => {
        const shuffle = new MessageShuffle({ isDoubled: () => false, isOvertaken: () => false });
        expect(pass(shuffle, stream, lengths).equals(stream)).toBe(true);
      }),
    );
  });

  it('and no other frames, arrive twice', () => {
    fc.assert(
      fc.property(cuts, (lengths) => {
        const shuffle = new MessageShuffle({ isDoubled: () => true, isOvertaken: () => false });
        const [one, two, three, four, five] = frames;
        const all = Buffer.concat([one!, two!, two!, three!, four!, four!, five!, five!]);
        expect(pass(shuffle, stream, lengths).equals(all)).toBe(true);
      }),
    );
  });

  it('and no other frames, are overtaken by the next one', () => {
    fc.assert(
      fc.property(cuts, (lengths) => {
        const shuffle = new MessageShuffle({ isDoubled: () => false, isOvertaken: () => true });
        const [one, two, three, four, five] = frames;
        const all = Buffer.concat([one!, three!, two!, five!, four!]);
        expect(pass(shuffle, stream, lengths).equals(all)).toBe(true);
      }),
    );
  });
});
