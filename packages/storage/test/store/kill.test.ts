import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { Child } from '../support/child.js';
import { WriteModel } from '../support/write-model.js';

/** In both modes together; more with `DLE_KILLS=2000`. */
const KILLS = Number(process.env.DLE_KILLS ?? 200) / 2;
/** Before a new store is begun: opening one that has grown takes longer than it teaches. */
const KILLS_OF_A_STORE = 10;
const LANES = 2;

interface Setting {
  readonly segmentSize: number;
  readonly durability: 'flush' | 'none';
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

  /** Kills a writer once it has been told so many times that a write is done. */
  async killWriting(acknowledgements: number): Promise<void> {
    const child = await this.#start();
    await child.saysMoreThan(2 + acknowledgements);
    await child.kill();
    this.#acknowledged = Math.max(this.#acknowledged, Number(child.lines.at(-1)));
  }

  /** Kills a writer that has just begun to open what another left behind. */
  async killOpening(): Promise<void> {
    const child = await this.#start();
    await child.kill();
    const last = child.lines.at(-1)!;
    if (/^\d+$/.test(last)) this.#acknowledged = Math.max(this.#acknowledged, Number(last));
  }

  async check(): Promise<void> {
    const { segmentSize } = this.#setting;
    await using store = await LogStore.open(this.#directory, { segmentSize });
    this.#model.check(store, this.#acknowledged);
  }

  #start(): Promise<Child> {
    const { segmentSize, durability } = this.#setting;
    return Child.start('writer.mjs', this.#directory, `${segmentSize}`, durability);
  }
}

async function killStore(directory: string, round: number): Promise<void> {
  const victim = new Victim(directory, {
    segmentSize: [4_096, 16_384, 65_536][round % 3]!,
    durability: round % 4 === 3 ? 'none' : 'flush',
  });
  for (let kill = 0; kill < KILLS_OF_A_STORE; kill++) {
    const lot = (round * 31 + kill * 17) % 100;
    // What a writer that was killed has left is opened by several that are killed in turn.
    if (lot < 60) await victim.killWriting((lot * 37) % 80);
    else await victim.killOpening();
    if (lot % 4 === 0) await victim.check();
  }
  await victim.check();
}

it(
  `holds everything acknowledged after ${KILLS} kills of the process that writes`,
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'dle-kill-'));
    const stores = Math.ceil(KILLS / KILLS_OF_A_STORE);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < stores) {
        const round = next++;
        await killStore(join(root, `${round}`), round);
      }
    };
    try {
      await Promise.all(Array.from({ length: LANES }, lane));
    } finally {
      await rm(root, { recursive: true });
    }
  },
  KILLS * 5_000,
);
