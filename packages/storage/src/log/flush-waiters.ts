import type { DleError } from '@dle/common';

interface Group {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: DleError) => void;
}

/** Those who wait for a frame to be flushed: one promise for all who wait for the same one. */
export class FlushWaiters {
  readonly #groups = new Map<number, Group>();

  wait(sequence: number): Promise<void> {
    let group = this.#groups.get(sequence);
    if (group === undefined) {
      group = makeGroup();
      this.#groups.set(sequence, group);
    }
    return group.promise;
  }

  flushed(upTo: number): void {
    for (const [sequence, group] of this.#groups) {
      if (sequence > upTo) continue;
      this.#groups.delete(sequence);
      group.resolve();
    }
  }

  fail(error: DleError): void {
    for (const group of this.#groups.values()) group.reject(error);
    this.#groups.clear();
  }
}

function makeGroup(): Group {
  let settle: { resolve: () => void; reject: (error: DleError) => void } | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle! };
}
