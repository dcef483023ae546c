import { LEADER_HINT } from '@dle/client/protocol';
import { DleError, type DleErrorCode } from '@dle/common';
import { isOfDirectory } from '../repair/damage.js';
import type { Consensus } from '../replica/participation.js';

/** In the details of an error: the code of what keeps this very node from doing what was asked. */
export const FAILURE = 'failure';

/** What nobody else need suffer from: it is this node's disk, or what lies on it. */
const OWN_CODES: ReadonlySet<DleErrorCode> = new Set([
  'DLE_STORAGE_POISONED',
  'DLE_CORRUPT',
  'DLE_IO',
]);

export interface ExcusesComponents {
  /** Id of this node. */
  readonly self: number;
  readonly consensus: () => Consensus | undefined;
  /** Whether an error is damage of this node's data, which is being repaired now. */
  readonly noticeDamage: (error: DleError) => boolean;
  readonly isStopping: () => boolean;
}

/**
 * What clients are told of failures: nothing that is wrong with this node is their fault, and where
 * there are others, these may well do what was asked.
 */
export class Excuses {
  readonly #components: ExcusesComponents;

  constructor(components: ExcusesComponents) {
    this.#components = components;
  }

  /** Notices damage, and says what the client is told of `error`, which is this node's own. */
  explain(error: DleError): DleError {
    const { self, noticeDamage, isStopping } = this.#components;
    if (noticeDamage(error)) {
      return this.#askAnother(error, `node ${self} has found its data damaged, and repairs it`);
    }
    if (isStopping() || error.effect === 'unknown') return error;
    // It has come between two replicas, or upon what the store makes again by itself.
    if (error.code === 'DLE_CLOSED' || isOfDirectory(error)) {
      const message = 'this node could not answer for a moment; try again';
      return new DleError('DLE_UNAVAILABLE', message, { retryable: true, cause: error });
    }
    const { stopped } = this.#components.consensus()?.raft ?? {};
    const isOwn = OWN_CODES.has(error.code) || error.code === stopped?.code;
    // To whoever has nobody else to ask, the failure itself says most.
    if (!isOwn || this.#others().length === 0) return error;
    const what =
      stopped === undefined
        ? `node ${self} cannot answer, for its disk has failed`
        : `node ${self} has failed, and takes no part for now`;
    return this.#askAnother(error, what);
  }

  #askAnother(error: DleError, what: string): DleError {
    const message = `${what} (${error.code}: ${error.message}); ask another node`;
    const next = this.#next();
    const hint = next === undefined ? {} : { [LEADER_HINT]: next };
    const details = { [FAILURE]: error.code, ...hint };
    return new DleError('DLE_UNAVAILABLE', message, { retryable: true, cause: error, details });
  }

  /** The other members. */
  #others(): readonly number[] {
    const configuration = this.#components.consensus()?.raft.core.configuration?.configuration;
    const { voters = [], outgoing = [], learners = [] } = configuration ?? {};
    return [...voters, ...outgoing, ...learners].filter((id) => id !== this.#components.self);
  }

  /** Where another member can be reached: the leader, as far as this node knows, or any. */
  #next(): string | undefined {
    const { raft, transport } = this.#components.consensus() ?? {};
    const candidates = [raft?.core.leader ?? 0, ...this.#others()];
    const peers = candidates.map((id) => transport?.peer(id));
    return peers.find((peer) => peer?.reachable === true)?.member.address;
  }
}

/** Whether a node has failed to do what was asked for a reason that others need not share. */
export function isOwnFailure({ details }: DleError): boolean {
  return details?.[FAILURE] !== undefined;
}
