/**
 * What a failed call may have done.
 * - `none`: certainly nothing; the call can be repeated.
 * - `unknown`: it may or may not have taken effect; repeating it blindly may undo somebody's later
 *   write.
 */
export type Effect = 'none' | 'unknown';

/**
 * Every code an error of this package family can carry. The README of the package that raises it
 * says what to do.
 */
export type DleErrorCode =
  // Any package.
  | 'DLE_INVALID_ARGUMENT'
  | 'DLE_ABORTED'
  | 'DLE_CLOSED'
  | 'DLE_TIMEOUT'
  | 'DLE_INTERNAL'
  // @dle/storage
  | 'DLE_LOCKED'
  | 'DLE_FORMAT'
  | 'DLE_CORRUPT'
  | 'DLE_STORAGE_POISONED'
  | 'DLE_DISK_FULL'
  | 'DLE_IO'
  | 'DLE_KEY_TOO_LARGE'
  | 'DLE_TOO_MANY_SEGMENTS'
  | 'DLE_VALUE_TOO_LARGE'
  | 'DLE_NATIVE_UNAVAILABLE'
  // @dle/net
  | 'DLE_BAD_FRAME'
  | 'DLE_FRAME_TOO_LARGE'
  | 'DLE_HELLO_REFUSED'
  | 'DLE_CONNECTION_LOST'
  | 'DLE_OVERLOADED'
  | 'DLE_ADDRESS_IN_USE'
  // @dle/raft, @dle/server, @dle/client
  | 'DLE_NOT_LEADER'
  | 'DLE_UNAVAILABLE'
  | 'DLE_OUTCOME_UNKNOWN'
  | 'DLE_CHANGE_REFUSED'
  | 'DLE_TRANSFER_FAILED'
  | 'DLE_CURSOR_LOST'
  | 'DLE_SNAPSHOT_REFUSED'
  | 'DLE_DUPLICATE_ID'
  | 'DLE_WIPED_MEMBER'
  | 'DLE_MEMBER_REMOVED'
  | 'DLE_FOREIGN_CLUSTER';

/**
 * Facts of an error for programs, such as where the leader is: few, small and plain, as they cross
 * the wire.
 */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

export interface DleErrorOptions {
  /** What led to it; kept for the log. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later without anybody changing anything. Default `false`. */
  readonly retryable?: boolean;
  /** Default `none`. */
  readonly effect?: Effect;
  /** Default none. */
  readonly details?: ErrorDetails;
}

/**
 * The one error class of dle. `code` is stable and documented, `message` is for people and may
 * change.
 */
export class DleError extends Error {
  override readonly name: string = 'DleError';
  readonly code: DleErrorCode;
  readonly retryable: boolean;
  readonly effect: Effect;
  readonly details: ErrorDetails | undefined;

  constructor(code: DleErrorCode, message: string, options: DleErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.effect = options.effect ?? 'none';
    this.details = options.details;
  }

  /**
   * Any thrown thing as a DleError: itself if it is one, else wrapped as `DLE_INTERNAL`, or as
   * `code`.
   */
  static from(
    thrown: unknown,
    code: DleErrorCode = 'DLE_INTERNAL',
    options: DleErrorOptions = {},
  ): DleError {
    if (thrown instanceof DleError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new DleError(code, message, { ...options, cause: thrown });
  }
}

/** Whether `thrown` is a DleError, of one of `codes` if any are given. */
export function isDleError(thrown: unknown, ...codes: readonly DleErrorCode[]): thrown is DleError {
  return thrown instanceof DleError && (codes.length === 0 || codes.includes(thrown.code));
}

/** For a programmer's error only; the world's errors are typed. Stays on in production. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new DleError('DLE_INTERNAL', `assertion failed: ${message}`);
}
