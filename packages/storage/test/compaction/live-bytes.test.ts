import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { OPTIONS } from '../support/compacting.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dle-live-'));
});

afterEach(() => rm(root, { recursive: true }));

const KEYS = Array.from({ length: 40 }, (_, n) => `${n}`.repeat(1 + (n % 7) * (n % 5)));

const change = fc.record({
  key: fc.constantFrom(...KEYS),
  length: fc.option(fc.oneof(fc.nat(40), fc.nat(3_000)), { freq: 4 }),
});
const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('write' as const), change }) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      changes: fc.array(change, { minLength: 1, maxLength: 30 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('compact' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** A store, and how long the value of each key is. */
class Counted {
  readonly #directory: string;
  readonly #lengths = new Map<string, number>();
  #store: LogStore | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async open(): Promise<void> {
    await this.#store?.close();
    this.#store = await LogStore.open(this.#directory, OPTIONS);
  }

  async do(step: Step): Promise<void> {
    const store = this.#store!;
    if (step.kind === 'write') await this.#write([step.change]);
    else if (step.kind === 'batch') await this.#write(step.changes);
    else if (step.kind === 'compact') await store.compact();
    else await this.open();
  }

  check(): void {
    let live = 0;
    for (const [key, length] of this.#lengths)
      live += 64 + Math.ceil((key.length + length) / 8) * 8;
    const { liveBytes, keys } = this.#store!.stats();
    expect([liveBytes, keys]).toEqual([live, this.#lengths.size]);
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }

  async #write(changes: readonly Change[]): Promise<void> {
    for (const { key, length } of changes) {
      if (length === null) this.#lengths.delete(key);
      else this.#lengths.set(key, length);
    }
    await this.#store!.batch(
      changes.map(({ key, length }) =>
        length === null
          ? { type: 'del', key }
          : { type: 'put', key, value: new Uint8Array(length).fill(length) },
      ),
    );
  }
}

describe('liveBytes', () => {
  it('is what the newest records of all keys take, at any time', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
        const counted = new Counted(join(root, `${round++}`));
        await counted.open();
        try {
          for (const each of steps) {
            await counted.do(each);
            counted.check();
          }
          await counted.open();
          counted.check();
        } finally {
          await counted.close();
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
