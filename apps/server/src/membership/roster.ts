import type { IndexedConfiguration } from '@dle/raft';
import type { Member } from './member.js';
import { type Membership, membershipOf } from './membership.js';

interface Known {
  readonly index: number;
  readonly membership: Membership;
}

/**
 * Who is in the cluster, as far as this node knows. A configuration counts as soon as it is in the
 * log, but until it is committed it may be taken back: whoever is a member by the one before it is
 * still let in, and nobody is told yet that it has been removed.
 */
export class Roster {
  /** By rising index; the first may be committed, the others are not known to be. */
  #known: Known[] = [];
  /** Of the newest configuration that is known to be committed. */
  #settledIndex = 0;

  /** Another configuration is the last one in the log; entries up to `commit` are committed. */
  follow(configuration: IndexedConfiguration | undefined, commit: number): void {
    const membership = membershipOf(configuration?.configuration);
    if (configuration === undefined || membership === undefined) return;
    const { index } = configuration;
    this.settle(commit);
    // A log that begins anew, or is being caught up, comes by what was true in the past.
    if (index < this.#settledIndex) return;
    this.#known = this.#known.filter((known) => known.index < index);
    this.#known.push({ index, membership });
    this.settle(commit);
  }

  /** Entries up to `commit` are committed: what came before the last of them is history. */
  settle(commit: number): void {
    while (this.#known.length > 1 && this.#known[1]!.index <= commit) this.#known.shift();
    const [first] = this.#known;
    if (first !== undefined && first.index <= commit) this.#settledIndex = first.index;
  }

  /** By the configuration that counts. */
  get membership(): Membership | undefined {
    return this.#known.at(-1)?.membership;
  }

  /** The member with this id, by any configuration that may count. */
  member(id: number): Member | undefined {
    for (const { membership } of this.#known.toReversed()) {
      const found = membership.members.find((member) => member.id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether the node with this id has been removed for good, `commit` being committed. */
  isRemoved(id: number, commit: number): boolean {
    this.settle(commit);
    const [settled] = this.#known;
    if (settled === undefined || settled.index > commit) return false;
    return settled.membership.retired.includes(id) && this.member(id) === undefined;
  }
}
