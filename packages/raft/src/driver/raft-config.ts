import { DleError } from '@dle/common';
import { coreOptionProblems, DEFAULT_CORE_OPTIONS, outOfBounds } from '../core/core-options.js';
import type { CoreOptions } from '../core/types.js';

/** All that a node can be told; `DEFAULT_RAFT_CONFIG` and an id is enough. */
export interface RaftConfig extends CoreOptions {
  /**
   * Most bytes of proposals without an answer at this node; beyond it `DLE_OVERLOADED`. Default
   * 64 MiB.
   */
  readonly maxProposalBytes: number;
  /**
   * How long a proposal, a read, a change or a transfer waits for its answer. Default 10,000. At
   * least two election timeouts, in which another leader is found. It ends what nothing else does:
   * the leader leads, but the disks of a majority hang.
   */
  readonly requestTimeoutMs: number;
}

/** What a cluster in one data centre does well with. */
export const DEFAULT_RAFT_CONFIG: Omit<RaftConfig, 'id'> = {
  ...DEFAULT_CORE_OPTIONS,
  maxProposalBytes: 64 * 1024 * 1024,
  requestTimeoutMs: 10_000,
};

/** An hour: longer than anybody waits for an answer. */
const MAX_REQUEST_TIMEOUT_MS = 60 * 60 * 1_000;
const TIMEOUTS_PER_REQUEST = 2;

/**
 * Holds the configuration against its bounds and against itself.
 *
 * @throws DleError `DLE_INVALID_ARGUMENT`, with everything that is wrong with it in one message.
 */
export function validateRaftConfig(config: RaftConfig): void {
  const { electionTimeoutMs, requestTimeoutMs } = config;
  const problems = [
    ...coreOptionProblems(config),
    outOfBounds(config, 'maxProposalBytes', 1, Number.MAX_SAFE_INTEGER),
    outOfBounds(config, 'requestTimeoutMs', 1, MAX_REQUEST_TIMEOUT_MS),
    requestTimeoutMs < TIMEOUTS_PER_REQUEST * electionTimeoutMs
      ? `requestTimeoutMs (${requestTimeoutMs}) must be at least ${TIMEOUTS_PER_REQUEST} times electionTimeoutMs (${electionTimeoutMs}), or requests are given up before there can be another leader`
      : undefined,
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new DleError('DLE_INVALID_ARGUMENT', problems.join('; '));
}
