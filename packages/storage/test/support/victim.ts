import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { LogStore } from '../../src/index.js';
import { Child } from './child.js';
import { WriteModel } from './write-model.js';

/** Before a new store is begun: opening one that has grown takes longer than it teaches. */
const KILLS_OF_A_STORE = 10;
const LANES = 2;
/** As `writer.mjs` says it. */
const COMPACTED = 'compacted';

interface Setting {
  readonly segmentSize: number;
  readonly durability: 'flush' | 'none';
  /** Whether it is compacted while it is written to. */
  readonly compacts: boolean;
}

/** A store that processes write to until they are killed, and what has to be in it. */
class Victim {
  readonly #directory: string;
  readonly #setting: Setting;
  readonly #model = new WriteModel();
  #acknowledged = 0;

  constructor(directory: string, setting: Setting) {
    this.#directory = directory;
    this.#setting = setting;
  }

  /**
   * Kills a writer once it has been told so many times that a write is done; and, if it compacts,
   * that so many of its compactions are.
   */
  async killWriting(acknowledgements: number, compactions: number): Promise<void> {
    const child = await this.#start();
    while (child.lines.filter((line) => line === COMPACTED).length < compactions) {
      await child.saysMoreThan(child.lines.length);
    }
    await child.saysMoreThan(child.lines.length + 2 + acknowledgements);
    await child.kill();
    this.#note(child);
  }

  /** Kills a writer that has just begun to open what another left behind. */
  async killOpening(): Promise<void> {
    const child = await this.#start();
    await child.kill();
    this.#note(child);
  }

  async check(): Promise<void> {
    const { segmentSize, compacts } = this.#setting;
    const options = { segmentSize, compaction: { automatic: false } };
    await using store = await LogStore.open(this.#directory, options);
    this.#model.check(store, this.#acknowledged);
    if (compacts) expect((await store.verify()).damage).toEqual([]);
  }

  #note(child: Child): void {
    const last = child.lines.findLast((line) => /^\d+$/.test(line));
    this.#acknowledged = Math.max(this.#acknowledged, Number(last ?? 0));
  }

  #start(): Promise<Child> {
    const { segmentSize, durability, compacts } = this.#setting;
    const how = compacts ? ['compacting'] : [];
    return Child.start('writer.mjs', this.#directory, `${segmentSize}`, durability, ...how);
  }
}

async function killStore(directory: string, round: number, compacts: boolean): Promise<void> {
  const victim = new Victim(directory, {
    // Key directories of the smallest segments are made too slowly for much to be compacted.
    segmentSize: (compacts ? [32_768, 65_536, 131_072] : [4_096, 16_384, 65_536])[round % 3]!,
    durability: round % 4 === 3 ? 'none' : 'flush',
    compacts,
  });
  for (let kill = 0; kill < KILLS_OF_A_STORE; kill++) {
    const lot = (round * 31 + kill * 17) % 100;
    // What a writer that was killed has left is opened by several that are killed in turn.
    if (lot < 60) await victim.killWriting((lot * 37) % 80, compacts ? lot % 4 : 0);
    else await victim.killOpening();
    if (lot % 4 === 0) await victim.check();
  }
  await victim.check();
}

/**
 * Kills so many processes that write to stores, and compact them all the while or not: they hold
 * everything acknowledged.
 */
export async function killWriters(kills: number, compacts: boolean): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'dle-kill-'));
  const stores = Math.ceil(kills / KILLS_OF_A_STORE);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < stores) {
      const round = next++;
      await killStore(join(root, `${round}`), round, compacts);
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await rm(root, { recursive: true });
  }
}
