/**
 * A member of the cluster: its id, the random id of its data directory, and where it is reached.
 */
export interface Member {
  readonly id: number;
  readonly instance: string;
  /** `host:port`, as the member itself advertises it. */
  readonly address: string;
}

/** A peer as it was named on the command line: `host:port`, or `id@host:port`. */
export interface PeerHint {
  readonly id?: number;
  readonly address: string;
}

/** Whether `value`, from outside or from a log, is a list of members. */
export function isMemberList(value: unknown): value is readonly Member[] {
  return Array.isArray(value) && value.every(isMember);
}

function isMember(value: unknown): value is Member {
  if (typeof value !== 'object' || value === null) return false;
  const { id, instance, address } = value as Partial<Member>;
  return Number.isSafeInteger(id) && typeof instance === 'string' && typeof address === 'string';
}
