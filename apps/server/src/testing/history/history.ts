import { type Clock, DleError } from '@dle/common';

/**
 * - `ok`: it took effect between its two times, with the result that is noted.
 * - `unknown`: it took effect at some time after it began, or never.
 * - `failed`: it had no effect, and never will.
 */
export type Outcome = 'ok' | 'unknown' | 'failed';

/** One operation of one client, as its client saw it. */
export interface Operation {
  readonly client: string;
  readonly key: string;
  readonly kind: 'put' | 'get' | 'del';
  readonly outcome: Outcome;
  /** Milliseconds of the one clock of the history. */
  readonly began: number;
  /** `Infinity` where the outcome is unknown. */
  readonly ended: number;
  /** What a put wrote, or a get found; absent: no such key. */
  readonly value?: string | undefined;
  /** What a delete said of the key before it; absent: nothing is known. */
  readonly existed?: boolean | undefined;
  /** Where the write stands in the log, if it was acknowledged. */
  readonly index?: number | undefined;
  /** Why it has no result. */
  readonly error?: string | undefined;
}

export type Intent = Pick<Operation, 'client' | 'key' | 'kind' | 'value'>;
/** What an operation has to say once it is over. */
export type Result = Pick<Operation, 'value' | 'existed' | 'index'>;

/** What clients did to a cluster, and when, by one monotonic clock. */
export class History {
  readonly operations: Operation[] = [];
  readonly #clock: Pick<Clock, 'now'>;
  #underWay = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Operations that have begun and not yet ended. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Carries out `call` and notes what became of it. Only what is no DleError is thrown on. */
  async record(intent: Intent, call: () => Promise<Result>): Promise<Outcome> {
    const began = this.#clock.now();
    this.#underWay++;
    try {
      const result = await call();
      return this.#add({ ...intent, ...result, outcome: 'ok', began, ended: this.#clock.now() });
    } catch (thrown) {
      if (!(thrown instanceof DleError)) throw thrown;
      const unknown = thrown.effect === 'unknown' && intent.kind !== 'get';
      const ended = unknown ? Number.POSITIVE_INFINITY : this.#clock.now();
      const error = `${thrown.code}: ${thrown.message}`;
      const outcome = unknown ? 'unknown' : 'failed';
      return this.#add({ ...intent, outcome, began, ended, error });
    } finally {
      this.#underWay--;
    }
  }

  #add(operation: Operation): Outcome {
    this.operations.push(operation);
    return operation.outcome;
  }
}

/** The operations of each key. */
export function groupByKey(operations: readonly Operation[]): Map<string, Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const group = groups.get(operation.key);
    if (group === undefined) groups.set(operation.key, [operation]);
    else group.push(operation);
  }
  return groups;
}
