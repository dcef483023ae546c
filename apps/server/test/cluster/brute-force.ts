import type { Operation } from '../../src/testing/history/history.js';

/**
 * Whether some order explains the operations of one key, by trying every order: slow, and plain to
 * see.
 */
export function hasExplanation(operations: readonly Operation[]): boolean {
  return explains(
    operations.filter(({ outcome }) => outcome !== 'failed'),
    undefined,
  );
}

function explains(rest: readonly Operation[], value: string | undefined): boolean {
  if (rest.every(({ outcome }) => outcome === 'unknown')) return true;
  const firstEnd = Math.min(...rest.map(({ ended }) => ended));
  return rest.some((operation) => {
    const { kind, began, existed } = operation;
    if (began > firstEnd) return false;
    if (kind === 'get' && operation.value !== value) return false;
    if (kind === 'del' && existed !== undefined && existed !== (value !== undefined)) return false;
    const next = { put: operation.value, get: value, del: undefined }[kind];
    return explains(
      rest.filter((other) => other !== operation),
      next,
    );
  });
}
