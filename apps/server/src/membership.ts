import { type Configuration, membersOf } from '@dle/raft';
import { isMemberList, type Member } from './member.js';

/** What the server puts beside the voters into a configuration of consensus. */
interface Membership {
  readonly cluster: string;
  readonly members: readonly Member[];
}

/**
 * The first configuration of a cluster: its id and its members in one entry, so that neither is
 * without the other.
 */
export function firstConfiguration(cluster: string, members: readonly Member[]): Configuration {
  const membership: Membership = { cluster, members };
  return { voters: members.map(({ id }) => id), members: membership };
}

/** The cluster's id and members by `configuration`, if it is one that a server has made. */
export function membershipOf(configuration: Configuration | undefined): Membership | undefined {
  const membership = configuration?.members as Partial<Membership> | undefined;
  if (typeof membership?.cluster !== 'string' || !isMemberList(membership.members)) {
    return undefined;
  }
  // The end of a change carries along what was said of those who left in it.
  const ids = membersOf(configuration!);
  const members = membership.members.filter(({ id }) => ids.includes(id));
  return { cluster: membership.cluster, members };
}
