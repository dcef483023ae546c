import { DleError, type DleErrorCode } from '@dle/common';
import type { Member, PeerHint } from '../member.js';

/** What a node says of itself to one that looks for its cluster. */
export interface Card extends Member {
  /** Id of its cluster, once it has one. */
  readonly cluster?: string | undefined;
  /** The members by the configuration in its log, once it has one. */
  readonly members?: readonly Member[] | undefined;
  /** Ids of all future members, its own included, as far as it has met them; rising. */
  readonly ids: readonly number[];
}

export interface Answer {
  readonly peer: PeerHint;
  /** Absent: the peer did not answer. */
  readonly card?: Card | undefined;
}

export type Decision =
  /** Make the first configuration, of these. */
  | { readonly kind: 'form'; readonly members: readonly Member[] }
  /** The cluster exists and knows this node. */
  | { readonly kind: 'adopt'; readonly cluster: string; readonly members: readonly Member[] }
  /** This node must not go on; the error says what to do. */
  | { readonly kind: 'refuse'; readonly error: DleError }
  /** Ask again; `ids` is what this node may say of the others by now. */
  | { readonly kind: 'wait'; readonly reason: string; readonly ids: readonly number[] };

/**
 * What an empty node does with the answers of one round. Only the node with the lowest id may form
 * the cluster, and only when everybody answers, is empty, and has met the same set of ids: two
 * nodes with different ideas of who belongs to it can then not both be the one that forms.
 */
export function decide(self: Member, answers: readonly Answer[]): Decision {
  const met = new Map<string, Card>();
  const problems: string[] = [];
  for (const { peer, card } of answers) {
    if (card === undefined) problems.push(`no answer from ${peer.address}`);
    else if (peer.id !== undefined && peer.id !== card.id) {
      problems.push(`${peer.address} is node ${card.id}, not ${peer.id}`);
    } else if (card.instance !== self.instance) met.set(card.instance, card);
  }
  const others = [...met.values()];
  return (
    joinExisting(self, others) ?? refuseTwin(self, others) ?? formTogether(self, others, problems)
  );
}

function joinExisting(self: Member, others: readonly Card[]): Decision | undefined {
  const formed = others.filter((card) => card.cluster !== undefined);
  if (new Set(formed.map((card) => card.cluster)).size > 1) {
    const list = formed.map((card) => `${card.address} in ${card.cluster}`).join(', ');
    return refuse('DLE_FOREIGN_CLUSTER', `the peers belong to different clusters: ${list}`);
  }
  for (const card of formed) {
    if (card.members === undefined || card.members.length === 0) continue;
    const known = card.members.find((member) => member.id === self.id);
    if (known === undefined) {
      const ids = card.members.map((member) => member.id).join(', ');
      return refuse(
        'DLE_NOT_A_MEMBER',
        `the cluster at ${card.address} has the members ${ids}, and no node ${self.id}`,
      );
    }
    if (known.instance !== self.instance) return refuseInstance(self, card, known);
    return { kind: 'adopt', cluster: card.cluster!, members: card.members };
  }
  return undefined;
}

function refuseInstance(self: Member, card: Card, known: Member): Decision {
  return refuse(
    'DLE_WIPED_MEMBER',
    `the cluster at ${card.address} knows node ${self.id} (at ${known.address}) by another data ` +
      `directory, instance ${known.instance}; this one is empty. If it was wiped, put its data ` +
      `back: without it the node would vote as if it had never promised anything. If ` +
      `--id ${self.id} is in use elsewhere, give this node another one`,
  );
}

function refuseTwin(self: Member, others: readonly Card[]): Decision | undefined {
  const twin = others.find((card) => card.id === self.id);
  if (twin === undefined) return undefined;
  return refuse(
    'DLE_DUPLICATE_ID',
    `the node at ${twin.address} has id ${self.id} too: start each node with an --id of its own`,
  );
}

function formTogether(
  self: Member,
  others: readonly Card[],
  problems: readonly string[],
): Decision {
  const ids = [self.id, ...others.map((card) => card.id)].sort((a, b) => a - b);
  const wait = (reason: string): Decision => ({ kind: 'wait', reason, ids });
  // A set that may lack somebody is not told: a peer could take it for the whole.
  if (problems.length > 0) return { kind: 'wait', reason: problems.join('; '), ids: [self.id] };
  const twice = ids.find((id, position) => ids.indexOf(id) !== position);
  if (twice !== undefined) {
    const where = others.filter((card) => card.id === twice).map((card) => card.address);
    return wait(`the nodes at ${where.join(' and ')} both have id ${twice}`);
  }
  if (others.some((card) => card.cluster !== undefined)) {
    return wait('a peer is in a cluster whose members it has yet to learn');
  }
  const other = others.find((card) => card.ids.join() !== ids.join());
  if (other !== undefined) {
    return wait(`node ${other.id} has met the ids ${other.ids.join()}, this node ${ids.join()}`);
  }
  if (ids[0] !== self.id) return wait(`node ${ids[0]} has the lowest id and forms the cluster`);
  const members = [self, ...others]
    .map(({ id, instance, address }) => ({ id, instance, address }))
    .sort((a, b) => a.id - b.id);
  return { kind: 'form', members };
}

function refuse(code: DleErrorCode, message: string): Decision {
  return { kind: 'refuse', error: new DleError(code, message) };
}
