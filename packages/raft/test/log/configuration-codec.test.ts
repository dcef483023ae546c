import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Configuration } from '../../src/core/types.js';
import { decodeConfiguration, encodeConfiguration } from '../../src/log/configuration-codec.js';

const sets = fc
  .uniqueArray(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { minLength: 1, maxLength: 9 })
  .map((ids) => ids.sort((a, b) => a - b));
const members = fc.oneof(fc.string(), fc.array(fc.record({ id: fc.nat(), at: fc.string() })));

describe('the bytes of a configuration', () => {
  it('come back as what they were', () => {
    fc.assert(
      fc.property(sets, fc.nat(9), fc.nat(9), fc.option(members), (ids, a, b, details) => {
        const voters = ids.slice(0, Math.max(1, a));
        const learners = ids.slice(Math.max(1, a));
        const outgoing = ids.slice(0, b);
        const configuration: Configuration = {
          voters,
          ...(outgoing.length > 0 && { outgoing }),
          ...(learners.length > 0 && { learners }),
          ...(details !== null && { members: details }),
        };
        expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration);
      }),
    );
  });

  it('are those that docs/format.md describes', () => {
    const configuration = { voters: [1, 2], outgoing: [1], learners: [3], members: 'x' };
    const ids = [1, 2, 1, 3].flatMap((id) => [id, 0, 0, 0, 0, 0, 0, 0]);
    const expected = [1, 0, 2, 0, 1, 0, 1, 0, ...ids, 0xa1, 'x'.charCodeAt(0)];
    expect([...encodeConfiguration(configuration)]).toEqual(expected);
  });

  const bytes = encodeConfiguration({ voters: [1, 2], learners: [3], members: ['x'] });
  const altered = (at: number, value: number): Uint8Array => bytes.with(at, value);
  it.each<[string, Uint8Array]>([
    ['are none', bytes.subarray(0, 0)],
    ['are too few', bytes.subarray(0, 7)],
    ['have an unknown version', altered(0, 2)],
    ['have a reserved field set', altered(1, 1)],
    ['name more than they hold', altered(2, 9)],
    ['name more than there may be', altered(3, 9)],
    ['name nobody', encodeConfiguration({ voters: [] })],
    ['name somebody twice', encodeConfiguration({ voters: [2, 2] })],
    ['name an id beyond whole numbers', altered(15, 1)],
    ['hold details that are not msgpack', altered(bytes.length - 2, 0xc1)],
  ])('are refused where they %s', (_, wrong) => {
    expect(() => decodeConfiguration(wrong)).toThrow(
      expect.objectContaining({ code: 'DLE_FORMAT' }),
    );
  });

  it('are never taken for another configuration where they are cut off', () => {
    const whole = encodeConfiguration({ voters: [1, 2], learners: [3] });
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeConfiguration(whole.subarray(0, length))).toThrow();
    }
  });
});
