import { expect } from 'vitest';
import type { NodeId } from '../../src/core/types.js';
import { Stage } from './stage.js';

/** A cluster that has settled under `leader`; what was sent until then is forgotten. */
export function elected(leader: NodeId, ids: readonly NodeId[] = [1, 2, 3]): Stage {
  const stage = new Stage(ids);
  stage.campaign(leader);
  stage.stabilize();
  expect(stage.node(leader).leads).toBe(true);
  stage.sent.length = 0;
  return stage;
}
