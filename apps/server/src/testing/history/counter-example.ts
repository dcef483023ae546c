import type { Operation } from './history.js';
import { checkKey } from './linearizable.js';

/** Most possibilities for each of the many small searches; one that finds no end proves nothing. */
const MAX_POSSIBILITIES = 200_000;

/**
 * Few of the operations of one key that no order explains, given all of them and the one that the
 * search stumbled over. Whatever is left out could only have been explained more easily without it,
 * so what remains is a proof by itself.
 */
export function counterExample(
  operations: readonly Operation[],
  stumbledOver: Operation,
): Operation[] {
  const begun = upTo(operations, stumbledOver.ended);
  // What a delete said only later may be what is wrong.
  let kept = isViolated(begun) ? begun : operations.filter(({ outcome }) => outcome !== 'failed');
  for (let before = Number.POSITIVE_INFINITY; kept.length < before; ) {
    before = kept.length;
    kept = withoutDetails(withoutChunks(kept));
  }
  return kept.sort((a, b) => a.began - b.began);
}

/** What had happened by `end`: a history without its future is no harder to explain. */
function upTo(operations: readonly Operation[], end: number): Operation[] {
  return operations
    .filter(({ outcome, began }) => outcome !== 'failed' && began <= end)
    .filter(({ kind, ended }) => kind !== 'get' || ended <= end)
    .map((operation) => (operation.ended <= end ? operation : unsure(operation)));
}

function unsure({ client, key, kind, value, began }: Operation): Operation {
  return { client, key, kind, value, began, ended: Number.POSITIVE_INFINITY, outcome: 'unknown' };
}

/** Leaves out ever smaller pieces, as long as the rest has no explanation either. */
function withoutChunks(operations: Operation[]): Operation[] {
  let kept = operations;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let start = 0; start < kept.length; ) {
      const smaller = without(kept, kept.slice(start, start + size));
      if (smaller.length < kept.length && isViolated(smaller)) kept = smaller;
      else start += size;
    }
  }
  return kept;
}

/** Forgets what deletes said of the key, where that is not what is wrong. */
function withoutDetails(operations: Operation[]): Operation[] {
  let kept = operations;
  for (const operation of operations) {
    if (operation.existed === undefined) continue;
    const vaguer = kept.map((other) =>
      other === operation ? { ...operation, existed: undefined } : other,
    );
    if (isViolated(vaguer)) kept = vaguer;
  }
  return kept;
}

/** All but those of `chunk` that others may rest on. */
function without(operations: readonly Operation[], chunk: readonly Operation[]): Operation[] {
  const leaving = new Set(chunk);
  const staying = operations.filter((operation) => !leaving.has(operation));
  const found = staying.filter(({ kind, outcome }) => kind === 'get' && outcome === 'ok');
  const values = new Set(found.map(({ value }) => value));
  const existences = new Set(staying.map(({ existed }) => existed));
  const needed = ({ kind, value }: Operation): boolean => {
    if (kind === 'put') return values.has(value) || existences.has(true);
    return kind === 'del' && (values.has(undefined) || existences.has(false));
  };
  return operations.filter((operation) => !leaving.has(operation) || needed(operation));
}

function isViolated(operations: readonly Operation[]): boolean {
  return checkKey(operations, { maxPossibilities: MAX_POSSIBILITIES }).kind === 'violation';
}
