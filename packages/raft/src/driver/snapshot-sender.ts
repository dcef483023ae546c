import { DleError, type Logger } from '@dle/common';
import type { RaftCore } from '../core/raft-core.js';
import type { NodeId } from '../core/types.js';
import type { SnapshotTransfer, StateMachine } from './ports.js';

export interface SnapshotSenderComponents {
  readonly core: RaftCore;
  readonly stateMachine: StateMachine;
  readonly snapshots: SnapshotTransfer;
  readonly logger: Logger;
}

/** The transfers under way, at most one to each member, all in one term. */
export class SnapshotSender {
  readonly #components: SnapshotSenderComponents;
  readonly #ended: (peer: NodeId, index: number) => void;
  readonly #underWay = new Map<NodeId, AbortController>();

  /** `ended` is told of each that was not called off: the index brought there, or 0. */
  constructor(components: SnapshotSenderComponents, ended: (peer: NodeId, index: number) => void) {
    this.#components = components;
    this.#ended = ended;
  }

  /** Brings `peer` the state as it is now. */
  begin(peer: NodeId): void {
    const { core, stateMachine, snapshots, logger } = this.#components;
    const base = core.baseAt(stateMachine.appliedIndex);
    // One to a member that has been removed and has come back since.
    this.#underWay.get(peer)?.abort();
    const controller = new AbortController();
    this.#underWay.set(peer, controller);
    const end = (index: number): void => {
      if (this.#underWay.get(peer) !== controller) return;
      this.#underWay.delete(peer);
      this.#ended(peer, index);
    };
    snapshots.send(peer, base, core.term, controller.signal).then(
      () => end(base.index),
      (thrown: unknown) => {
        const { code, message } = DleError.from(thrown);
        const what = `the snapshot of entry ${base.index} was not brought to node ${peer}`;
        if (!controller.signal.aborted) logger.warn({ code, peer }, `${what}: ${message}`);
        end(0);
      },
    );
  }

  /** This node leads no more, or stops. */
  callOff(): void {
    for (const controller of this.#underWay.values()) controller.abort();
    this.#underWay.clear();
  }
}
