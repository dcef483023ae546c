import { UsageError } from '@dle/common/internal';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** The longest that a timer takes, in milliseconds. */
const MAX_MS = 2 ** 31 - 1;

/** Milliseconds of `500ms`, `10s` or `2m`; a bare number counts seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  const durationMs = Number(match?.[1]) * UNITS[match?.[2] ?? 's']!;
  if (!(durationMs > 0 && durationMs <= MAX_MS)) {
    throw new UsageError(`not a duration: "${text}" (write 500ms, 10s or 2m)`);
  }
  return durationMs;
}
