import type { Configuration, MembershipChange, NodeId } from './types.js';

/**
 * Most members of a cluster, learners included: far beyond what makes sense, and a bound for
 * everything that a leader keeps or does for each.
 */
export const MAX_MEMBERS = 64;

/** What counts in a log without a configuration: nobody votes. */
export const NOBODY: Configuration = { voters: [] };

/** Whether a change of voters is half way: decisions take a majority of both sets. */
export function isJoint({ outgoing }: Configuration): boolean {
  return outgoing !== undefined && outgoing.length > 0;
}

/** All whose votes count, in rising order: the incoming and, in a joint phase, the outgoing. */
export function votersOf({ voters, outgoing = [] }: Configuration): readonly NodeId[] {
  return outgoing.length === 0 ? voters : rising([...voters, ...outgoing]);
}

/** Everybody who gets the log, in rising order. */
export function membersOf({ voters, outgoing = [], learners = [] }: Configuration): NodeId[] {
  return rising([...voters, ...outgoing, ...learners]);
}

/** Whether the lists are what a working leader writes. An empty set of voters is not. */
export function isSound(configuration: Configuration): boolean {
  const { voters, outgoing = [], learners = [] } = configuration;
  return (
    voters.length > 0 &&
    [voters, outgoing, learners].every(isRising) &&
    !learners.some((learner) => voters.includes(learner)) &&
    membersOf(configuration).length <= MAX_MEMBERS
  );
}

/** What a change makes of a configuration, or what is wrong with it. */
export type Changed =
  | { readonly target: Configuration }
  /** A sentence for people. */
  | { readonly problem: string };

/** Where `change` leads from `current`, which is not joint. */
export function changed(current: Configuration, change: MembershipChange): Changed {
  const { add = [], promote = [], demote = [], remove = [] } = change;
  const named = [...add, ...promote, ...demote, ...remove];
  const voters = new Set(current.voters);
  const learners = new Set(current.learners);
  const problem =
    found(named, (id) => !isId(id), 'is no node id') ??
    found(named, (id, at) => named.indexOf(id) !== at, 'is named twice') ??
    found(add, (id) => voters.has(id) || learners.has(id), 'is a member already') ??
    found(promote, (id) => voters.has(id), 'votes already') ??
    found(promote, (id) => !learners.has(id), 'is no learner: add it first') ??
    found(demote, (id) => !voters.has(id), 'does not vote') ??
    found(remove, (id) => !voters.has(id) && !learners.has(id), 'is not a member');
  if (problem !== undefined) return { problem };
  for (const id of [...promote, ...remove]) learners.delete(id);
  for (const id of [...demote, ...remove]) voters.delete(id);
  for (const id of promote) voters.add(id);
  for (const id of [...add, ...demote]) learners.add(id);
  if (voters.size === 0) return { problem: 'nobody would be left to vote' };
  if (named.length === 0 && change.members === undefined) return { problem: 'it changes nothing' };
  const members = change.members ?? current.members;
  const target = withMembers({ voters: rising(voters), ...listed(learners) }, members);
  const count = membersOf(target).length;
  if (count > MAX_MEMBERS) return { problem: `${count} members are more than ${MAX_MEMBERS}` };
  return { target };
}

/**
 * The first configuration on the way from `current` to `target`: where the voters change, one in
 * which both sets decide together (paper section 6); elsewhere the target itself.
 */
export function firstStep(current: Configuration, target: Configuration): Configuration {
  const isSame =
    target.voters.length === current.voters.length &&
    target.voters.every((voter) => current.voters.includes(voter));
  if (isSame) return target;
  const { voters, learners, members } = target;
  const { voters: outgoing } = current;
  return withMembers({ voters, outgoing, ...listed(new Set(learners)) }, members);
}

/** What follows a joint configuration: the incoming voters alone. */
export function lastStep({ voters, learners, members }: Configuration): Configuration {
  return withMembers({ voters, ...listed(new Set(learners)) }, members);
}

function listed(learners: ReadonlySet<NodeId>): { learners?: readonly NodeId[] } {
  return learners.size === 0 ? {} : { learners: rising(learners) };
}

function withMembers(configuration: Configuration, members: unknown): Configuration {
  return members === undefined ? configuration : { ...configuration, members };
}

function found(
  ids: readonly NodeId[],
  isWrong: (id: NodeId, at: number) => boolean,
  problem: string,
): string | undefined {
  const id = ids.find(isWrong);
  return id === undefined ? undefined : `node ${id} ${problem}`;
}

function isId(id: NodeId): boolean {
  return Number.isSafeInteger(id) && id > 0;
}

/** Without doubles, smallest first. */
function rising(ids: Iterable<NodeId>): NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

function isRising(ids: readonly NodeId[]): boolean {
  return ids.every((id, at) => Number.isSafeInteger(id) && id > (ids[at - 1] ?? 0));
}
