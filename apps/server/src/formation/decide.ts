import { DleError, type DleErrorCode } from '@dle/common';
import type { Member, PeerHint } from '../membership/member.js';

/** What a node says of itself to one that looks for its cluster. */
export interface Card extends Member {
  /** Id of its cluster, once it has one. */
  readonly cluster?: string | undefined;
  /** The members by the configuration in its log, once it has one. */
  readonly members?: readonly Member[] | undefined;
  /** Ids of members that have been removed. */
  readonly retired?: readonly number[] | undefined;
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
 * nodes with different ideas of who belongs to it can then not both be the one that forms. One that
 * `joinsOnly` forms none. A node that finds a cluster without it waits until it is added there.
 */
export function decide(
  self: Member,
  answers: readonly Answer[],
  { joinsOnly = false }: { readonly joinsOnly?: boolean } = {},
): Decision {
  const met = new Map<string, Card>();
  const problems: string[] = [];
  for (const { peer, card } of answers) {
    if (card === undefined) problems.push(`no answer from ${peer.address}`);
    else if (peer.id !== undefined && peer.id !== card.id) {
      problems.push(`${peer.address} is node ${card.id}, not ${peer.id}`);
    } else if (card.instance !== self.instance) met.set(card.instance, card);
  }
  const others = [...met.values()];
  const early = joinExisting(self, others) ?? refuseTwin(self, others);
  if (early !== undefined) return early;
  if (joinsOnly) return { kind: 'wait', reason: waitsToBeAdded(self), ids: [self.id] };
  return formTogether(self, others, problems);
}

function joinExisting(self: Member, others: readonly Card[]): Decision | undefined {
  const formed = others.filter((card) => card.cluster !== undefined);
  if (new Set(formed.map((card) => card.cluster)).size > 1) {
    const list = formed.map((card) => `${card.address} in ${card.cluster}`).join(', ');
    return refuse('DLE_FOREIGN_CLUSTER', `the peers belong to different clusters: ${list}`);
  }
  for (const card of formed) {
    const known = card.members?.find((member) => member.id === self.id);
    if (known === undefined) continue;
    if (known.instance !== self.instance) return refuseInstance(self, card, known);
    return { kind: 'adopt', cluster: card.cluster!, members: card.members! };
  }
  const retired = formed.find((card) => card.retired?.includes(self.id));
  if (retired !== undefined) return refuseRetired(self, retired);
  const settled = formed.find((card) => card.members !== undefined && card.members.length > 0);
  if (settled === undefined) return undefined;
  const ids = settled.members!.map((member) => member.id).join(', ');
  const reason = `the cluster at ${settled.address} has the members ${ids}; ${waitsToBeAdded(self)}`;
  return { kind: 'wait', reason, ids: [self.id] };
}

function waitsToBeAdded({ id, address }: Member): string {
  return `this node waits to be added, by 'dle member add ${id} ${address}'`;
}

function refuseRetired(self: Member, card: Card): Decision {
  return refuse(
    'DLE_MEMBER_REMOVED',
    `node ${self.id} has been removed from the cluster at ${card.address}, and ids are not given ` +
      'twice: start this node with another --id',
  );
}

function refuseInstance(self: Member, card: Card, known: Member): Decision {
  return refuse(
    'DLE_WIPED_MEMBER',
    `the cluster at ${card.address} knows node ${self.id} (at ${known.address}) by another data ` +
      `directory, instance ${known.instance}; this one is empty. ${wipedAdvice(self.id)}`,
  );
}

/** What to do where the data directory under a known id is not the one that it had. */
export function wipedAdvice(id: number): string {
  return (
    `If the disk was wiped, put its data back, or start it under a new id and give that its ` +
    `place with 'dle member replace ${id} NEW_ID@HOST:PORT': under id ${id} it would vote as if ` +
    `it had never promised anything. If --id ${id} is in use elsewhere, give this node another`
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
