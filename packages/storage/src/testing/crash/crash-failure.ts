const SHOWN_LINES = 30;

/** The store has broken a promise: which one, in which seed, after what. */
export class CrashFailure extends Error {
  override readonly name: string = 'CrashFailure';
  readonly seed: number;
  readonly what: string;

  constructor(seed: number, lines: readonly string[], cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    const skipped = Math.max(0, lines.length - SHOWN_LINES);
    const text = [
      `seed ${seed}: ${what}`,
      ...(skipped === 0 ? [] : [`  (${skipped} steps before)`]),
      ...lines.slice(skipped).map((line) => `  ${line}`),
      `all of it, again: pnpm --filter @dle/storage crash-test --seed ${seed} --trace`,
    ];
    super(text.join('\n'), { cause });
    this.seed = seed;
    this.what = what;
  }
}

/** What a run throws where the store breaks a promise; its seed and history are added above. */
export class Broken extends Error {}
