import { PROTOCOL_RANGE } from '@dle/net';
import { describe, expect, it } from 'vitest';
import type { Member } from '../src/membership/member.js';
import { Roster } from '../src/membership/roster.js';
import { NodeAcceptor, type NodeAcceptorComponents } from '../src/node-acceptor.js';

const member = (id: number): Member => ({ id, instance: `i${id}`, address: `127.0.0.1:${id}` });

/** Node 1 of cluster c, which was away while 2 and 3 were replaced; 9 has been removed before. */
function acceptor(): NodeAcceptor {
  const roster = new Roster();
  const members = { cluster: 'c', members: [1, 2, 3].map(member), retired: [9] };
  roster.follow({ index: 5, configuration: { voters: [1, 2, 3], members } }, 5);
  return new NodeAcceptor({
    self: () => member(1),
    cluster: () => 'c',
    roster: () => ({ roster, commit: 5 }),
  } as unknown as NodeAcceptorComponents);
}

const hello = (node: number, instance: string, cluster = 'c') => {
  return {
    protocol: PROTOCOL_RANGE,
    role: 'member',
    lane: 'log',
    cluster,
    node,
    instance,
  } as const;
};

describe('a node that a member calls', () => {
  it('lets in those whom it knows, and those who may have come while it was away', () => {
    for (const id of [2, 3, 4, 5]) {
      expect(acceptor().hello(hello(id, `i${id}`))).toMatchObject({ node: 1, cluster: 'c' });
    }
  });

  it('refuses by name whoever is in another cluster, has another disk, or was removed', () => {
    const codeOf = (called: () => unknown): unknown => {
      try {
        return called();
      } catch (thrown) {
        return (thrown as { code: string }).code;
      }
    };
    expect(codeOf(() => acceptor().hello(hello(2, 'i2', 'd')))).toBe('DLE_FOREIGN_CLUSTER');
    expect(codeOf(() => acceptor().hello(hello(2, 'other')))).toBe('DLE_WIPED_MEMBER');
    expect(codeOf(() => acceptor().hello(hello(9, 'i9')))).toBe('DLE_MEMBER_REMOVED');
  });
});
