import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reachedByQuorum, voteResult } from '../../src/core/quorum.js';

const voters = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 9 });

describe('reachedByQuorum', () => {
  it('is the largest value that more than half have reached', () => {
    fc.assert(
      fc.property(voters, fc.func(fc.nat(8)), (ids, reachedBy) => {
        // Dumb: try every value, count heads.
        let expected = ids.length === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
        for (let value = 0; value <= 8 && ids.length > 0; value++) {
          const heads = ids.filter((id) => reachedBy(id) >= value).length;
          if (heads + heads > ids.length) expected = value;
        }
        expect(reachedByQuorum(ids, reachedBy)).toBe(expected);
      }),
    );
  });

  it.each([
    [[5], 5],
    [[5, 3], 3],
    [[5, 3, 1], 3],
    [[5, 3, 2, 1], 2],
    [[5, 4, 3, 2, 1], 3],
    [[0, 0, 9], 0],
  ])('of %j is %i', (values, expected) => {
    const ids = values.map((_, position) => position + 1);
    expect(reachedByQuorum(ids, (id) => values[id - 1]!)).toBe(expected);
  });

  it('two quorums of the same voters always share one of them', () => {
    fc.assert(
      fc.property(voters, fc.func(fc.boolean()), (ids, isIn) => {
        const side = reachedByQuorum(ids, (id) => (isIn(id) ? 1 : 0));
        const otherSide = reachedByQuorum(ids, (id) => (isIn(id) ? 0 : 1));
        fc.pre(ids.length > 0);
        expect(side + otherSide).toBeLessThan(2);
      }),
    );
  });
});

describe('voteResult', () => {
  it('is won or lost exactly when no further vote can change it', () => {
    const votes = fc.dictionary(fc.integer({ min: 1, max: 24 }).map(String), fc.boolean());
    fc.assert(
      fc.property(voters, votes, (ids, given) => {
        const cast = new Map(Object.entries(given).map(([id, vote]) => [Number(id), vote]));
        const isWonIf = (missing: boolean): boolean => {
          const granted = ids.filter((id) => cast.get(id) ?? missing).length;
          return granted + granted > ids.length || ids.length === 0;
        };
        const expected = isWonIf(false) ? 'won' : isWonIf(true) ? 'pending' : 'lost';
        expect(voteResult(ids, cast)).toBe(expected);
      }),
    );
  });

  it('half of the votes are not enough', () => {
    const votes = new Map([
      [1, true],
      [2, true],
    ]);
    expect(voteResult([1, 2, 3, 4], votes)).toBe('pending');
    expect(voteResult([1, 2, 3, 4], votes.set(3, false).set(4, false))).toBe('lost');
  });
});
