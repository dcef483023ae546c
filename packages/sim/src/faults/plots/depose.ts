import { leaderOf } from '../../cluster/at-rest.js';
import { keepTogether, leadsAfter, standing } from '../cast.js';
import { type Course, electionMs, pauseOf, until } from '../director.js';
import type { Strike } from '../strike.js';

/**
 * A leader stands still, or is cut off from the others but not from its clients, until another one
 * has been elected and has written: what it then says first, it says believing that it leads.
 */
export function* depose({ cluster, dice }: Strike): Course {
  const stood = yield* standing(cluster);
  if (stood === undefined) return false;
  const { leader: old, others, term } = stood;
  const standsStill = dice.chance(0.7);
  try {
    if (dice.chance(standsStill ? 0.5 : 1)) keepTogether(cluster, others);
    if (standsStill) old.pause(2 * electionMs(cluster));
    yield until(() => leadsAfter(leaderOf(others), term), electionMs(cluster));
    const { commit } = cluster.invariants;
    yield until(() => cluster.invariants.commit > commit, electionMs(cluster));
    // Until questions about what was written have come to it, and wait there.
    const { maxLatencyMs } = cluster.network.plan;
    if (standsStill) old.pause(dice.within(2 * maxLatencyMs, 5 * maxLatencyMs + 20));
    yield pauseOf(cluster.timeouts(1));
    return true;
  } finally {
    old.goOn();
    cluster.network.links.heal();
  }
}
