import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Member } from '../../src/membership/member.js';
import { Roster } from '../../src/membership/roster.js';

const member = (id: number): Member => ({ id, instance: `i${id}`, address: `127.0.0.1:${id}` });

/** A configuration with these voters that tells of these retired ones. */
const configuration = (index: number, ids: readonly number[], retired: readonly number[] = []) => ({
  index,
  configuration: { voters: ids, members: { cluster: 'c', members: ids.map(member), retired } },
});

describe('a roster', () => {
  it('knows nobody at first', () => {
    const roster = new Roster();
    roster.follow(undefined, 0);
    expect(roster.membership).toBeUndefined();
    expect(roster.member(1)).toBeUndefined();
    expect(roster.isRemoved(1, 100)).toBe(false);
  });

  it('keeps whoever is being removed until that is committed', () => {
    const roster = new Roster();
    roster.follow(configuration(1, [1, 2, 3]), 1);
    roster.follow(configuration(8, [1, 2], [3]), 7);
    expect(roster.membership?.members.map(({ id }) => id)).toEqual([1, 2]);
    expect(roster.member(3)).toEqual(member(3));
    expect(roster.isRemoved(3, 7)).toBe(false);
    expect(roster.isRemoved(3, 8)).toBe(true);
    expect(roster.member(3)).toBeUndefined();
  });

  it('takes back what another leader has replaced', () => {
    const roster = new Roster();
    roster.follow(configuration(1, [1, 2, 3]), 1);
    roster.follow(configuration(8, [1, 2], [3]), 7);
    roster.follow(configuration(1, [1, 2, 3]), 7);
    expect(roster.isRemoved(3, 9)).toBe(false);
    expect(roster.member(3)).toEqual(member(3));
  });

  it('does not call removed who was not yet a member, as a new node reads on in its log', () => {
    const roster = new Roster();
    roster.follow(configuration(1, [1, 2, 3]), 1);
    expect(roster.isRemoved(4, 1)).toBe(false);
  });

  it('stays at what is committed while a log that begins anew is being caught up', () => {
    const roster = new Roster();
    roster.follow(configuration(1, [1, 2]), 1);
    roster.follow(configuration(8, [2, 3]), 8);
    roster.follow(undefined, 0);
    roster.follow(configuration(1, [1, 2]), 0);
    expect(roster.membership?.members.map(({ id }) => id)).toEqual([2, 3]);
    roster.follow(configuration(8, [2, 3]), 8);
    roster.follow(configuration(12, [2, 3, 4]), 8);
    expect(roster.member(4)).toEqual(member(4));
  });

  it('says of nobody that it is removed who may still be a member', () => {
    // One id a configuration: the one with which it parts. Some are committed, some taken back.
    const step = fc.record({ leaves: fc.nat(6), back: fc.boolean(), commits: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const roster = new Roster();
        const log = [{ ids: [1, 2, 3, 4, 5, 6, 7], retired: [] as number[] }];
        let commit = 1;
        roster.follow(configuration(1, log[0]!.ids), commit);
        for (const { leaves, back, commits } of steps) {
          if (back && log.length > commit) log.pop();
          else {
            const { ids, retired } = log.at(-1)!;
            const id = leaves + 1;
            if (!ids.includes(id) || ids.length === 1) continue;
            log.push({ ids: ids.filter((other) => other !== id), retired: [...retired, id] });
          }
          const { ids, retired } = log.at(-1)!;
          roster.follow(configuration(log.length, ids, retired), commit);
          if (commits) commit = log.length;
          const may = new Set(log.slice(commit - 1).flatMap((entry) => entry.ids));
          for (let id = 1; id <= 7; id++) {
            expect(roster.isRemoved(id, commit)).toBe(!may.has(id));
            expect(roster.member(id) !== undefined).toBe(may.has(id));
          }
        }
      }),
    );
  });
});
