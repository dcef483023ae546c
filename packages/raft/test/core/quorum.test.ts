import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reachedByQuorum, type VoterSets, voteResult } from '../../src/core/quorum.js';

const voters = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 9 });
const joint = fc.record({ voters, outgoing: voters });
const sets: fc.Arbitrary<VoterSets> = fc.oneof(fc.record({ voters }), joint);

/** Dumb: a set agrees where more than half of its voters, counted by name, do. */
function agrees({ voters, outgoing }: VoterSets, does: (id: number) => boolean): boolean {
  return [voters, outgoing].every((set) => {
    const heads = set?.filter(does).length ?? 1;
    return heads + heads > (set?.length ?? 1);
  });
}

describe('voteResult of voters of whom some have lost data', () => {
  const all = (ids: readonly number[]): number[][] =>
    Array.from({ length: 2 ** ids.length }, (_, bits) =>
      ids.filter((_, at) => Math.floor(bits / 2 ** at) % 2 === 1),
    );

  it('is won only with one who holds it, for whatever a majority has written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.func(fc.boolean()), (count, forgot) => {
        const ids = Array.from({ length: count }, (_, at) => at + 1);
        const forgetful = new Set(ids.filter(forgot));
        for (const granting of all(ids)) {
          const votes = new Map(granting.map((id) => [id, true]));
          if (voteResult({ voters: ids }, votes, forgetful) !== 'won') continue;
          expect(granting.length * 2).toBeGreaterThan(count);
          for (const writers of all(ids).filter(({ length }) => length * 2 > count)) {
            const witness = writers.some((id) => granting.includes(id) && !forgetful.has(id));
            expect(witness).toBe(true);
          }
        }
      }),
    );
  });

  it('is lost when it cannot be won any more, and only then', () => {
    fc.assert(
      fc.property(
        sets,
        fc.func(fc.constantFrom(true, false, undefined)),
        fc.func(fc.boolean()),
        (configuration, voteOf, forgot) => {
          const ids = [...configuration.voters, ...(configuration.outgoing ?? [])];
          const known = (vote: boolean | undefined): vote is boolean => vote !== undefined;
          const entries = ids.map((id) => [id, voteOf(id)] as const);
          const votes = new Map(
            entries.filter((entry): entry is [number, boolean] => known(entry[1])),
          );
          const forgetful = new Set(ids.filter((id) => votes.has(id) && forgot(id)));
          const best = new Map(ids.map((id) => [id, votes.get(id) ?? true]));
          const canBeWon = voteResult(configuration, best, forgetful) === 'won';
          expect(voteResult(configuration, votes, forgetful) === 'lost').toBe(!canBeWon);
        },
      ),
    );
  });
});

describe('reachedByQuorum', () => {
  it('is the largest value that more than half of each set have reached', () => {
    fc.assert(
      fc.property(sets, fc.func(fc.nat(8)), (configuration, reachedBy) => {
        let expected = Number.NEGATIVE_INFINITY;
        for (let value = 0; value <= 8; value++) {
          if (agrees(configuration, (id) => reachedBy(id) >= value)) expected = value;
        }
        expect(reachedByQuorum(configuration, reachedBy)).toBe(expected);
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
    [[], Number.POSITIVE_INFINITY],
  ])('of %j is %i', (values, expected) => {
    const ids = values.map((_, position) => position + 1);
    expect(reachedByQuorum({ voters: ids }, (id) => values[id - 1]!)).toBe(expected);
  });

  it('two quorums of the same voters always share one of them', () => {
    fc.assert(
      fc.property(sets, fc.func(fc.boolean()), (configuration, isIn) => {
        const side = reachedByQuorum(configuration, (id) => (isIn(id) ? 1 : 0));
        const otherSide = reachedByQuorum(configuration, (id) => (isIn(id) ? 0 : 1));
        expect(side + otherSide).toBeLessThan(2);
      }),
    );
  });

  it('a quorum of a joint phase shares a voter with each of what comes before and after', () => {
    fc.assert(
      fc.property(joint, fc.func(fc.boolean()), ({ voters: incoming, outgoing }, isIn) => {
        const both = reachedByQuorum({ voters: incoming, outgoing }, (id) => (isIn(id) ? 1 : 0));
        for (const one of [incoming, outgoing]) {
          const without = reachedByQuorum({ voters: one }, (id) => (isIn(id) ? 0 : 1));
          expect(both + without).toBeLessThan(2);
        }
      }),
    );
  });
});

describe('voteResult', () => {
  it('is won or lost exactly when no further vote can change it', () => {
    const votes = fc.dictionary(fc.integer({ min: 1, max: 14 }).map(String), fc.boolean());
    fc.assert(
      fc.property(sets, votes, (configuration, given) => {
        const cast = new Map(Object.entries(given).map(([id, vote]) => [Number(id), vote]));
        const isWonIf = (missing: boolean): boolean =>
          agrees(configuration, (id) => cast.get(id) ?? missing);
        const expected = isWonIf(false) ? 'won' : isWonIf(true) ? 'pending' : 'lost';
        expect(voteResult(configuration, cast)).toBe(expected);
      }),
    );
  });

  it('half of the votes are not enough', () => {
    const votes = new Map([
      [1, true],
      [2, true],
    ]);
    const configuration = { voters: [1, 2, 3, 4] };
    expect(voteResult(configuration, votes)).toBe('pending');
    expect(voteResult(configuration, votes.set(3, false).set(4, false))).toBe('lost');
  });
});
