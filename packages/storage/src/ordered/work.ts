import type { VfsFile } from '../vfs/vfs.js';

/** Something to be waited for; or to be done at once, while everything else waits. */
export interface Wait {
  now(): void;
  later(): Promise<void>;
}

/**
 * Work that has to wait here and there, such as for the disk. It is written once, and done in
 * either way: at once for a synchronous read, in turns for an asynchronous one. Where all it needs
 * is at hand it waits for nothing, and is done before anybody has made a promise.
 */
export type Work<T> = Generator<Wait, T, void>;

/** Does all of it now; `first`: what it waits for already. */
export function doNow<T>(work: Work<T>, first?: Wait): T {
  let wait = first;
  for (;;) {
    let step: IteratorResult<Wait, T>;
    try {
      wait?.now();
      step = work.next();
    } catch (thrown) {
      step = work.throw(thrown);
    }
    if (step.done === true) return step.value;
    wait = step.value;
  }
}

/** Does as much as can be done without waiting: all of it, or the rest is promised. */
export function begin<T>(work: Work<T>): T | Promise<T> {
  const step = work.next();
  return step.done === true ? step.value : finish(work, step.value);
}

async function finish<T>(work: Work<T>, first: Wait): Promise<T> {
  let wait = first;
  for (;;) {
    let step: IteratorResult<Wait, T>;
    try {
      await wait.later();
      step = work.next();
    } catch (thrown) {
      step = work.throw(thrown);
    }
    if (step.done === true) return step.value;
    wait = step.value;
  }
}

/**
 * Fills `target` from `position` of the file that `open` gives, which is asked for it when it is
 * read, for it may be closed before to spare descriptors. Gives how many bytes there were.
 */
export function* reading(open: () => VfsFile, target: Uint8Array, position: number): Work<number> {
  let count = 0;
  yield {
    now: () => {
      count = open().readSync(target, position);
    },
    later: async () => {
      count = await open().read(target, position);
    },
  };
  return count;
}

/** Done side by side, at most. */
const TOGETHER = 32;

/** Does all of `works`, so that their waits are shared; gives what they give, in their order. */
export function* together<T>(works: readonly Work<T>[]): Work<T[]> {
  const results: T[] = [];
  let waiting: Waiting<T>[] = [];
  for (const [place, work] of works.entries()) {
    const step = work.next();
    if (step.done === true) {
      results[place] = step.value;
      continue;
    }
    waiting.push({ work, place, wait: step.value });
    if (waiting.length < TOGETHER) continue;
    yield waitForAll(waiting, results);
    waiting = [];
  }
  if (waiting.length > 0) yield waitForAll(waiting, results);
  return results;
}

interface Waiting<T> {
  readonly work: Work<T>;
  readonly place: number;
  readonly wait: Wait;
}

function waitForAll<T>(waiting: readonly Waiting<T>[], results: T[]): Wait {
  return {
    now: () => {
      for (const { work, place, wait } of waiting) results[place] = doNow(work, wait);
    },
    later: async () => {
      await Promise.all(
        waiting.map(async ({ work, place, wait }) => {
          results[place] = await finish(work, wait);
        }),
      );
    },
  };
}
