import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, type Card, type Decision, decide } from '../src/formation/decide.js';
import type { Member } from '../src/membership/member.js';

const member = (id: number, instance = `i${id}`): Member => ({
  id,
  instance,
  address: `127.0.0.1:${9000 + id}`,
});

const card = (id: number, rest: Partial<Card> = {}): Card => ({
  ...member(id),
  ids: [1, 2, 3],
  ...rest,
});

const answers = (...cards: (Card | undefined)[]): Answer[] =>
  cards.map((answer, position) => ({
    peer: { address: answer?.address ?? `silent:${position + 1}` },
    card: answer,
  }));

const refusal = (decision: Decision) =>
  decision.kind === 'refuse' ? decision.error.code : decision.kind;

describe('decide', () => {
  it('lets the lowest id form the cluster once all have met the same ids', () => {
    expect(decide(member(1), answers(card(3), card(2)))).toEqual({
      kind: 'form',
      members: [member(1), member(2), member(3)],
    });
  });

  it('lets a node without peers form a cluster of its own', () => {
    expect(decide(member(5), [])).toEqual({ kind: 'form', members: [member(5)] });
  });

  it('waits for a silent peer, for a lower id, and for peers that have met others', () => {
    expect(decide(member(1), answers(card(2), undefined))).toMatchObject({
      kind: 'wait',
      ids: [1],
    });
    expect(decide(member(2), answers(card(1), card(3))).kind).toBe('wait');
    expect(decide(member(1), answers(card(2), card(3, { ids: [1, 3] }))).kind).toBe('wait');
  });

  it('counts a node that is named twice, or names itself, once', () => {
    // localhost here, 127.0.0.1 there: the instance tells that it is the same.
    const alias = card(2, { address: 'localhost:9002' });
    const self = card(1);
    const decision = decide(member(1), answers(self, card(2), alias, card(3)));
    expect(decision).toMatchObject({ kind: 'form', members: [{ id: 1 }, { id: 2 }, { id: 3 }] });
  });

  it('refuses an id that a peer has too', () => {
    const twin = card(1, { instance: 'other' });
    expect(refusal(decide(member(1), answers(twin, card(3))))).toBe('DLE_DUPLICATE_ID');
  });

  it('does not form while two peers have one id', () => {
    const decision = decide(member(1), answers(card(2), card(2, { instance: 'other' })));
    expect(decision).toMatchObject({ kind: 'wait', reason: expect.stringContaining('id 2') });
  });

  it('does not take one node for another that was named by id', () => {
    const [answer] = answers(card(3));
    const decision = decide(member(1), [{ ...answer!, peer: { id: 2, address: 'x:1' } }]);
    expect(decision).toMatchObject({ kind: 'wait', reason: 'x:1 is node 3, not 2' });
  });

  it('joins a cluster that knows this directory', () => {
    const members = [member(1), member(2)];
    const formed = card(1, { cluster: 'c', members });
    expect(decide(member(2), answers(formed, undefined))).toEqual({
      kind: 'adopt',
      cluster: 'c',
      members,
    });
  });

  it('refuses a wiped disk under a known id, and says how to replace it', () => {
    const formed = card(1, { cluster: 'c', members: [member(1), member(2)] });
    const decision = decide(member(2, 'wiped'), answers(formed));
    expect(refusal(decision)).toBe('DLE_WIPED_MEMBER');
    expect(decision).toMatchObject({
      error: { message: expect.stringContaining('dle member replace 2 NEW_ID@HOST:PORT') },
    });
  });

  it('refuses the id of a removed member, and waits under one that nobody knows', () => {
    const formed = card(1, { cluster: 'c', members: [member(1), member(2)], retired: [3] });
    expect(refusal(decide(member(3), answers(formed)))).toBe('DLE_MEMBER_REMOVED');
    expect(decide(member(4), answers(formed))).toMatchObject({
      kind: 'wait',
      reason: expect.stringContaining('dle member add 4 127.0.0.1:9004'),
    });
  });

  it('believes whoever knows it, when others have yet to hear of it', () => {
    const before = card(1, { cluster: 'c', members: [member(1), member(2)] });
    const after = card(2, { cluster: 'c', members: [member(1), member(2), member(4)] });
    for (const cards of [
      [before, after],
      [after, before],
    ]) {
      expect(decide(member(4), answers(...cards)).kind).toBe('adopt');
      expect(refusal(decide(member(4, 'wiped'), answers(...cards)))).toBe('DLE_WIPED_MEMBER');
    }
  });

  it('forms no cluster where it only joins, with peers or without', () => {
    const joining = { joinsOnly: true };
    expect(decide(member(1), [], joining).kind).toBe('wait');
    expect(decide(member(1), answers(card(3), card(2)), joining).kind).toBe('wait');
  });

  it('refuses to choose between two clusters', () => {
    const one = card(1, { cluster: 'c', members: [member(1), member(3)] });
    const two = card(2, { cluster: 'd', members: [member(2), member(3)] });
    expect(refusal(decide(member(3), answers(one, two)))).toBe('DLE_FOREIGN_CLUSTER');
  });

  it('never lets two nodes form, whatever each has been told to expect', () => {
    // Each node knows some peers; cards are what each has met so far, in any mixture of rounds.
    const knowledge = fc.array(fc.subarray([1, 2, 3, 4]), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(knowledge, fc.array(fc.nat(3), { maxLength: 40 }), (peersOf, order) => {
        const met = new Map([1, 2, 3, 4].map((id) => [id, [id]]));
        const formed: number[][] = [];
        for (const position of order) {
          const id = position + 1;
          const peers = (peersOf[position] ?? []).filter((peer) => peer !== id);
          const cards = peers.map((peer) => card(peer, { ids: met.get(peer) ?? [] }));
          const decision = decide(member(id), answers(...cards));
          if (decision.kind === 'wait') met.set(id, [...decision.ids]);
          if (decision.kind === 'form') formed.push(decision.members.map((one) => one.id));
        }
        // Two that form must have nobody in common.
        for (const one of formed) {
          for (const other of formed) {
            if (one.join() !== other.join())
              expect(one.some((id) => other.includes(id))).toBe(false);
          }
        }
      }),
    );
  });
});
