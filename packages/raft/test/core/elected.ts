import { expect } from 'vitest';
import type { NodeId } from '../../src/core/types.js';
import { Stage } from './stage.js';

/**
 * A cluster that has settled under `leader`; what was sent until then is forgotten. `blank` nodes
 * know nothing and are no members.
 */
export function elected(
  leader: NodeId,
  ids: readonly NodeId[] = [1, 2, 3],
  blank: readonly NodeId[] = [],
): Stage {
  const stage = new Stage(ids);
  stage.blank(blank);
  stage.campaign(leader);
  stage.stabilize();
  expect(stage.node(leader).leads).toBe(true);
  stage.sent.length = 0;
  return stage;
}
