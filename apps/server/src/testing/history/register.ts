import type { Operation } from './history.js';

/** What a key holds: a number for each value that was read. */
export type State = number;
export const ABSENT: State = 0;
/** A value that no get of the history has read: they are all alike. */
export const UNREAD: State = 1;
const FIRST_READ_VALUE = 2;

/**
 * An operation that must have taken effect between `began` and `ended`, in the terms of the search.
 */
export interface Step {
  readonly number: number;
  readonly operation: Operation;
  readonly value: State;
  readonly began: number;
  readonly ended: number;
}

/** What there is to be explained of one key. */
export interface Puzzle {
  readonly steps: readonly Step[];
  /**
   * When each write began that may have happened at any time since, or never, and was never read.
   */
  readonly loosePuts: readonly number[];
  readonly looseDels: readonly number[];
}

/**
 * The operations of one key, made ready for the search. Failed ones are left out. A put of unknown
 * outcome whose value was read did happen, and before the first of those reads was over. The other
 * unknown writes are all alike: so many puts of some value, so many deletes, any of which may be
 * used once to explain something, or left out.
 */
export function puzzleOf(operations: readonly Operation[]): Puzzle {
  const reads = readsByValue(operations);
  const numbers = new Map([...reads.keys()].map((value, at) => [value, at + FIRST_READ_VALUE]));
  const steps: Step[] = [];
  const loosePuts: number[] = [];
  const looseDels: number[] = [];
  for (const operation of operations) {
    const { kind, outcome, began } = operation;
    if (outcome === 'failed') continue;
    const ended = outcome === 'ok' ? operation.ended : provenBy(operation, reads);
    const value = stateOf(operation, numbers);
    if (ended !== undefined) {
      steps.push({ number: steps.length, operation, value, began, ended });
    } else if (kind === 'put') loosePuts.push(began);
    else if (kind === 'del') looseDels.push(began);
  }
  return { steps, loosePuts, looseDels };
}

/** What `step` makes of the state; `undefined`: it cannot have happened in it. */
export function applied({ operation, value }: Step, state: State): State | undefined {
  switch (operation.kind) {
    case 'put':
      return value;
    case 'get':
      return value === state ? state : undefined;
    case 'del':
      if (operation.existed === undefined) return ABSENT;
      return operation.existed === (state !== ABSENT) ? ABSENT : undefined;
  }
}

/**
 * Whether `step` has nothing to lose by happening at once: it changes nothing now, and could not
 * change anything later.
 */
export function isFree(step: Step, state: State): boolean {
  const { kind, existed } = step.operation;
  if (kind === 'del') return existed === false && state === ABSENT;
  return kind === 'get' && step.value === state;
}

function readsByValue(operations: readonly Operation[]): Map<string, Operation[]> {
  const reads = new Map<string, Operation[]>();
  for (const operation of operations) {
    const { kind, outcome, value } = operation;
    if (kind !== 'get' || outcome !== 'ok' || value === undefined) continue;
    const of = reads.get(value);
    if (of === undefined) reads.set(value, [operation]);
    else of.push(operation);
  }
  return reads;
}

/** When the first read was over that proves a write of unknown outcome. */
function provenBy(
  { kind, value, began }: Operation,
  reads: ReadonlyMap<string, readonly Operation[]>,
): number | undefined {
  if (kind !== 'put') return undefined;
  const ends = (reads.get(value!) ?? []).map((read) => read.ended).filter((end) => end >= began);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

function stateOf({ kind, value }: Operation, numbers: ReadonlyMap<string, State>): State {
  if (kind === 'del' || value === undefined) return ABSENT;
  return numbers.get(value) ?? UNREAD;
}
