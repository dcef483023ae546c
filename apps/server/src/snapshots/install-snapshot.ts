import { DleError } from '@dle/common';
import type { BaseImporter, Floor } from '@dle/storage';
import type { IdentityKeeper } from '../repair/identity.js';
import type { Participation } from '../replica/participation.js';
import type { Replica } from '../replica/replica.js';
import type { ReplicaKeeper } from '../replica/replica-keeper.js';

export interface InstallComponents {
  readonly keeper: ReplicaKeeper;
  readonly participation: Participation;
  readonly identity: IdentityKeeper;
  /** Opens the replica that lies in the directory now. */
  readonly open: () => Promise<Replica>;
}

/**
 * Has a base, all of which has come, take the place of the replica, with the term and vote that
 * this node has when its consensus has stopped. Whether it did: it may be wanted no more by then.
 * Rejects with what the import or a start fails with; if the old replica is there still, it goes
 * on.
 */
export async function installSnapshot(
  { keeper, participation, identity, open }: InstallComponents,
  importer: BaseImporter,
  floor: Floor,
): Promise<boolean> {
  let isInForce = false;
  let failure: DleError | undefined;
  await keeper.replace(participation, 'a snapshot is being installed', async (old, ended) => {
    // Nothing changes any more since it has stopped (paper figure 13, step 6).
    if (ended?.raft.core.wants(floor) !== true) {
      await importer.abandon();
      await old.close();
      return open();
    }
    const states = old.store.log.localStates();
    try {
      await old.close();
      // The log that comes with it begins with another segment; this one begins none any more.
      await identity.forgetSegments();
      await importer.finish(states);
      isInForce = true;
    } catch (thrown) {
      failure = DleError.from(thrown);
      await old.close();
    }
    return open();
  });
  if (failure !== undefined) throw failure;
  return isInForce;
}
