import { coreOf, leaderOf } from '../../cluster/at-rest.js';
import { keepTogether, leadsAfter, logOf, standing } from '../cast.js';
import { type Course, electionMs, pauseOf, until } from '../director.js';
import type { Strike } from '../strike.js';

/**
 * Figure 8 of the paper: an entry of an older term comes to lie on a majority, and is replaced all
 * the same. A leader is cut off with entries that nobody else has; another one is elected, and cut
 * off at once; the first one comes back, brings its old entries to a bare majority, and is cut off
 * again before anything of its new term has arrived; the second one, whose last entry is of a later
 * term, replaces them. Whoever has taken them for committed is wrong.
 */
export function* overwrite({ cluster }: Strike): Course {
  const { links } = cluster.network;
  const stood = yield* standing(cluster);
  if (stood === undefined) return false;
  const { leader: first, others, term } = stood;
  try {
    keepTogether(cluster, others);
    yield until(() => {
      const last = logOf(first)?.lastIndex ?? 0;
      return others.every((other) => (logOf(other)?.lastIndex ?? 0) < last);
    }, electionMs(cluster));
    yield until(() => leadsAfter(leaderOf(others), term), electionMs(cluster));
    const second = leaderOf(others);
    if (second === undefined) return false;
    const { term: between } = coreOf(second)!;
    const crowd = others
      .filter((machine) => machine !== second)
      .slice(0, Math.floor((others.length + 1) / 2));
    keepTogether(cluster, [first, ...crowd]);
    yield until(() => leadsAfter(first, between), electionMs(cluster));
    const later = coreOf(first)?.term ?? between;
    const { commit } = cluster.invariants;
    // All of them have some of what is old, and perhaps more than that.
    yield until(
      () => crowd.every((machine) => (logOf(machine)?.lastIndex ?? 0) > commit),
      electionMs(cluster),
    );
    for (const { id } of crowd) links.cut(first.id, id);
    yield pauseOf(cluster.timeouts(0.7));
    keepTogether(cluster, [second, ...crowd]);
    yield until(() => leadsAfter(second, later), electionMs(cluster));
    return true;
  } finally {
    links.heal();
  }
}
