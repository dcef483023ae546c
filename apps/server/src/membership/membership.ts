import { type Configuration, membersOf } from '@dle/raft';
import { isMemberList, type Member } from './member.js';

/**
 * Ids of removed members that are remembered, the newest ones: some kilobytes in each
 * configuration, and more than a cluster loses in its life.
 */
const MAX_RETIRED = 1_000;

/** What the server puts beside the voters into a configuration of consensus. */
export interface Membership {
  readonly cluster: string;
  readonly members: readonly Member[];
  /** Ids of those that have been removed: they are not given again. */
  readonly retired: readonly number[];
}

/**
 * The first configuration of a cluster: its id and its members in one entry, so that neither is
 * without the other.
 */
export function firstConfiguration(cluster: string, members: readonly Member[]): Configuration {
  const membership: Membership = { cluster, members, retired: [] };
  return { voters: members.map(({ id }) => id), members: membership };
}

/** The cluster's id and members by `configuration`, if it is one that a server has made. */
export function membershipOf(configuration: Configuration | undefined): Membership | undefined {
  const membership = configuration?.members as Partial<Membership> | undefined;
  const { cluster, members, retired = [] } = membership ?? {};
  if (typeof cluster !== 'string' || !isMemberList(members) || !isIdList(retired)) return undefined;
  // The end of a change carries along what was said of those who left in it.
  const ids = membersOf(configuration!);
  return { cluster, members: members.filter(({ id }) => ids.includes(id)), retired };
}

/** What goes with a configuration to which `member` has been added. */
export function withMember(membership: Membership, member: Member): Membership {
  return { ...membership, members: [...membership.members, member] };
}

/** What goes with a configuration from which `id` has been removed; it still says where that is. */
export function withRetired(membership: Membership, id: number): Membership {
  return { ...membership, retired: [...membership.retired, id].slice(-MAX_RETIRED) };
}

export function isIdList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((id) => Number.isSafeInteger(id));
}
