import type { Participation } from '../replica/participation.js';

/** Has a node lead no more that finds its data damaged. */
export class HandOver {
  readonly #participation: Participation;
  /** Where the commit index stood when nobody was ready. */
  #refusedAt: number | undefined;

  constructor(participation: Participation) {
    this.#participation = participation;
  }

  /**
   * Whether this node does not lead, or not any more. Nobody else is ready to while they lack
   * entries; where those are damaged here and cannot be sent, nobody ever is. That is so where
   * nothing has been committed since the last time: nobody has been promised these entries, and
   * the others do better without this leader.
   */
  async begin(): Promise<boolean> {
    const refusedAt = this.#refusedAt;
    this.#refusedAt = undefined;
    const raft = this.#participation.consensus?.raft;
    if (raft?.isLeader !== true || raft.stopped !== undefined) return true;
    const error = await new Promise((resolve) => raft.transfer(undefined, resolve));
    if (error === undefined) return true;
    const { commit, lastIndex } = raft.core;
    if (commit === refusedAt && commit < lastIndex) raft.resign();
    else this.#refusedAt = commit;
    return false;
  }
}
