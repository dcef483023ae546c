import { NOBODY } from '../core/configuration.js';
import type { RaftCore } from '../core/raft-core.js';
import type { MembershipChange, NodeId } from '../core/types.js';
import type { Dice } from './dice.js';

/** A change of members that makes sense to `core`, mostly: one or two things at once. */
export function drawChange(dice: Dice, core: RaftCore, ids: readonly NodeId[]): MembershipChange {
  const { voters, learners = [] } = core.configuration?.configuration ?? NOBODY;
  const others = ids.filter((id) => !voters.includes(id) && !learners.includes(id));
  const some = (from: readonly NodeId[], probability: number): NodeId[] =>
    from.length > 0 && dice.chance(probability) ? [dice.pick(from)] : [];
  const change = {
    add: some(others, 0.5),
    promote: some(learners, 0.6),
    demote: some(voters, 0.1),
    remove: some([...voters, ...learners], 0.4),
  };
  return dice.chance(0.02) ? { ...change, remove: voters } : change;
}
