import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changed,
  firstStep,
  isJoint,
  isSound,
  lastStep,
  MAX_MEMBERS,
  membersOf,
  votersOf,
} from '../../src/core/configuration.js';
import type { Configuration, MembershipChange } from '../../src/core/types.js';

const id = fc.integer({ min: 1, max: 8 });
const ids = fc.option(fc.array(id, { maxLength: 3 }), { nil: undefined });
const change: fc.Arbitrary<MembershipChange> = fc
  .record({ add: ids, promote: ids, demote: ids, remove: ids })
  .map((lists) => Object.fromEntries(Object.entries(lists).filter(([, list]) => list)));

/** What each node is; whoever is not in it is no member. */
type Roles = Map<number, 'voter' | 'learner'>;

const roles: fc.Arbitrary<Roles> = fc
  .dictionary(id.map(String), fc.constantFrom('voter' as const, 'learner' as const))
  .map((made) => new Map(Object.entries(made).map(([key, role]) => [Number(key), role])))
  .filter((made) => [...made.values()].includes('voter'));

function configurationOf(made: Roles): Configuration {
  const having = (role: string): number[] =>
    [...made]
      .filter(([, its]) => its === role)
      .map(([node]) => node)
      .sort((a, b) => a - b);
  const learners = having('learner');
  return { voters: having('voter'), ...(learners.length > 0 && { learners }) };
}

/** Dumb: looks at each node that is named, one after the other. Undefined: refused. */
function changedRoles(before: Roles, made: MembershipChange): Roles | undefined {
  const after = new Map(before);
  const seen = new Set<number>();
  for (const [verb, list] of Object.entries(made) as [string, number[]][]) {
    for (const node of list) {
      if (seen.has(node)) return undefined;
      seen.add(node);
      const role = before.get(node);
      const wanted = { add: undefined, promote: 'learner', demote: 'voter', remove: role }[verb];
      if (role !== wanted || (verb === 'remove' && role === undefined)) return undefined;
      if (verb === 'remove') after.delete(node);
      else after.set(node, verb === 'promote' ? 'voter' : 'learner');
    }
  }
  return seen.size === 0 || ![...after.values()].includes('voter') ? undefined : after;
}

describe('changes of configurations', () => {
  it('are what they would be, done node by node', () => {
    fc.assert(
      fc.property(roles, change, (before, made) => {
        const result = changed(configurationOf(before), made);
        const expected = changedRoles(before, made);
        if (expected === undefined) expect(result).toHaveProperty('problem');
        else expect(result).toEqual({ target: configurationOf(expected) });
      }),
      { numRuns: 2_000 },
    );
  });

  it('go through a joint configuration exactly where the voters change, and end at the target', () => {
    fc.assert(
      fc.property(roles, roles, (before, after) => {
        const [current, target] = [configurationOf(before), configurationOf(after)];
        const first = firstStep(current, target);
        expect(isSound(first)).toBe(true);
        expect(isJoint(first)).toBe(current.voters.join() !== target.voters.join());
        expect(votersOf(first)).toEqual(
          votersOf({ voters: current.voters, outgoing: target.voters }),
        );
        if (isJoint(first)) expect(first.outgoing).toEqual(current.voters);
        expect(isJoint(first) ? lastStep(first) : first).toEqual(target);
      }),
    );
  });

  it('carry what goes with the members along, and take what is new', () => {
    const current = { voters: [1], learners: [2], members: 'old' };
    expect(changed(current, { promote: [2] })).toEqual({
      target: { voters: [1, 2], members: 'old' },
    });
    const result = changed(current, { promote: [2], members: 'new' });
    expect(result).toEqual({ target: { voters: [1, 2], members: 'new' } });
    const joint = firstStep(current, { voters: [1, 2], members: 'new' });
    expect(joint).toEqual({ voters: [1, 2], outgoing: [1], members: 'new' });
    expect(changed(current, { members: 'new' })).toEqual({
      target: { ...current, members: 'new' },
    });
  });

  it('have room for a bounded number of members', () => {
    const many = Array.from({ length: MAX_MEMBERS }, (_, at) => at + 2);
    expect(changed({ voters: [1] }, { add: many })).toHaveProperty('problem');
    expect(changed({ voters: [1] }, { add: many.slice(1) })).toHaveProperty('target');
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 53])('refuse %d as the id of a node', (node) => {
    expect(changed({ voters: [1] }, { add: [node] })).toHaveProperty('problem');
  });
});

describe('a sound configuration', () => {
  it.each<[string, Configuration]>([
    ['names nobody', { voters: [] }],
    ['names a voter twice', { voters: [1, 1] }],
    ['is not in order', { voters: [2, 1] }],
    ['names no node', { voters: [0, 1] }],
    ['has a learner that votes', { voters: [1, 2], learners: [2] }],
    ['names too many', { voters: Array.from({ length: MAX_MEMBERS + 1 }, (_, at) => at + 1) }],
  ])('is not one that %s', (_, configuration) => {
    expect(isSound(configuration)).toBe(false);
  });

  it('may have a learner that still votes in a joint phase', () => {
    const configuration = { voters: [1], outgoing: [1, 2], learners: [2] };
    expect(isSound(configuration)).toBe(true);
    expect(membersOf(configuration)).toEqual([1, 2]);
  });
});
