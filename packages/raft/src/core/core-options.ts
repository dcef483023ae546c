import { DleError } from '@dle/common';
import type { CoreOptions } from './types.js';

/** What a cluster in one data centre does well with. */
export const DEFAULT_CORE_OPTIONS: Omit<CoreOptions, 'id'> = {
  electionTimeoutMs: 1_000,
  heartbeatIntervalMs: 100,
  leaseReads: true,
  maxClockDriftPercent: 10,
  maxAppendBytes: 1024 * 1024,
  maxInflightAppends: 64,
  maxInflightBytes: 16 * 1024 * 1024,
  maxUncommittedBytes: 64 * 1024 * 1024,
  logRetentionBytes: 256 * 1024 * 1024,
  maxLogBytes: 1024 * 1024 * 1024,
  diskTimeoutMs: 2_000,
};

/** Heartbeats that may get lost before a follower doubts its leader. */
const HEARTBEATS_PER_TIMEOUT = 4;
/**
 * A day: longer than anybody waits for a leader, and far from where sums of times lose precision.
 */
const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1_000;
/** A clock that goes half as fast as another is broken. */
const MAX_DRIFT_PERCENT = 50;
/** Far beyond what any link keeps busy; it bounds the memory of a window. */
const MAX_INFLIGHT_APPENDS = 65_536;

/**
 * Holds the options against their bounds and against each other.
 *
 * @throws DleError `DLE_INVALID_ARGUMENT`, with everything that is wrong with them in one message.
 */
export function validateCoreOptions(options: CoreOptions): void {
  const problems = coreOptionProblems(options);
  if (problems.length > 0) throw new DleError('DLE_INVALID_ARGUMENT', problems.join('; '));
}

/** All that is wrong with the options, a sentence each. */
export function coreOptionProblems(options: CoreOptions): readonly string[] {
  return [
    outOfBounds(options, 'id', 1, Number.MAX_SAFE_INTEGER),
    outOfBounds(options, 'heartbeatIntervalMs', 1, MAX_TIMEOUT_MS),
    outOfBounds(options, 'electionTimeoutMs', 1, MAX_TIMEOUT_MS),
    outOfBounds(options, 'maxClockDriftPercent', 0, MAX_DRIFT_PERCENT),
    typeof options.leaseReads === 'boolean'
      ? undefined
      : `leaseReads must be true or false, not ${options.leaseReads}`,
    outOfBounds(options, 'maxAppendBytes', 1, Number.MAX_SAFE_INTEGER),
    outOfBounds(options, 'maxInflightAppends', 1, MAX_INFLIGHT_APPENDS),
    outOfBounds(options, 'maxInflightBytes', 1, Number.MAX_SAFE_INTEGER),
    outOfBounds(options, 'maxUncommittedBytes', 1, Number.MAX_SAFE_INTEGER),
    outOfBounds(options, 'logRetentionBytes', 0, Number.MAX_SAFE_INTEGER),
    outOfBounds(options, 'maxLogBytes', 0, Number.MAX_SAFE_INTEGER),
    outOfBounds(options, 'diskTimeoutMs', 1, MAX_TIMEOUT_MS),
    options.electionTimeoutMs < HEARTBEATS_PER_TIMEOUT * options.heartbeatIntervalMs
      ? `electionTimeoutMs (${options.electionTimeoutMs}) must be at least ${HEARTBEATS_PER_TIMEOUT} times heartbeatIntervalMs (${options.heartbeatIntervalMs}), or a few lost heartbeats depose a leader`
      : undefined,
    options.maxInflightBytes < options.maxAppendBytes
      ? `maxInflightBytes (${options.maxInflightBytes}) must be at least maxAppendBytes (${options.maxAppendBytes}), or no append request could be filled`
      : undefined,
    options.maxUncommittedBytes < options.maxAppendBytes
      ? `maxUncommittedBytes (${options.maxUncommittedBytes}) must be at least maxAppendBytes (${options.maxAppendBytes}), or no append request could be filled`
      : undefined,
    options.maxLogBytes < options.logRetentionBytes
      ? `maxLogBytes (${options.maxLogBytes}) must be at least logRetentionBytes (${options.logRetentionBytes})`
      : undefined,
    options.diskTimeoutMs < options.heartbeatIntervalMs
      ? `diskTimeoutMs (${options.diskTimeoutMs}) must be at least heartbeatIntervalMs (${options.heartbeatIntervalMs}), or an ordinary flush deposes a leader`
      : undefined,
  ].filter((problem) => problem !== undefined);
}

/** What is wrong with the option `name` that is to be a whole number from `lowest` to `highest`. */
export function outOfBounds<Name extends string>(
  options: Readonly<Record<Name, unknown>>,
  name: Name,
  lowest: number,
  highest: number,
): string | undefined {
  const value = options[name];
  const isWhole = typeof value === 'number' && Number.isSafeInteger(value);
  if (isWhole && value >= lowest && value <= highest) return undefined;
  return `${name} must be a whole number from ${lowest} to ${highest}, not ${value}`;
}
