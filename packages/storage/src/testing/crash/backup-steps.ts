import type { StepParts } from './steps.js';
import type { World } from './world.js';

type Parts = Pick<StepParts, 'backups' | 'compactions' | 'restores' | 'faults' | 'patience'>;

/** Backs the store up, perhaps while it is compacted, and written to by `write`. */
export async function backUp(
  { dice }: World,
  { backups, compactions, faults, patience }: Parts,
  write: () => Promise<void>,
): Promise<void> {
  const fault = dice.below(100);
  if (fault < 5) faults.planFlushError(10);
  else if (fault < 8) faults.planWriteError(10);
  else faults.planEndInBackup(30);
  if (dice.chance(30)) {
    // It has begun to read, or to write, when the backup takes hold of its files.
    void compactions.start();
    await patience.turns(dice.magnitude(30));
  }
  const done = backups.start();
  compactions.held = true;
  if (dice.chance(30)) await write();
  if (dice.chance(40)) await patience.outcomeOf(done, 'backup');
}

/** Looks at the last backup: restored, or as it is. */
export async function restore(
  { dice }: World,
  { backups, restores, patience }: Parts,
): Promise<void> {
  // It may not change while it is read.
  await patience.outcomeOf(backups.ended(), 'backup');
  await (dice.chance(70) ? restores.restore() : restores.openAsItIs());
}
