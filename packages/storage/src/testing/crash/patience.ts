import { Broken } from './crash-failure.js';
import type { World } from './world.js';

/** More than anything takes; who has not come to an end by then never will. */
const MAX_TURNS = 100_000;

/** The process is gone, as was planned: nothing more comes of it. */
class ProcessGone extends Error {}

/** Waits by letting turns end, and time pass where nothing else can happen. */
export class Patience {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Throws `ProcessGone` if it is. */
  checkAlive(): void {
    if (this.#world.vfs.down) throw new ProcessGone();
  }

  async turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn++) {
      await this.#world.time.turn();
      this.checkAlive();
    }
  }

  /** What `promise` comes to. Throws `ProcessGone`; a promise that waits for nothing is a defect. */
  async outcomeOf<T>(promise: Promise<T>, what: string): Promise<T> {
    const { time } = this.#world;
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    for (let turn = 0; ; turn++) {
      await this.turns(1);
      if (settled) return promise;
      if (turn > MAX_TURNS) throw new Broken(`${what} has not ended after ${turn} turns`);
      if (time.busy) continue;
      const due = time.nextDue;
      if (due === undefined) throw new Broken(`${what} waits for nothing, for ever`);
      await time.pass(due - time.now());
      this.checkAlive();
    }
  }

  /** Lets everything happen that happens without time passing. */
  async quiet(): Promise<void> {
    const { time } = this.#world;
    await this.turns(1);
    for (let turn = 0; time.busy; turn++) {
      await this.turns(1);
      if (turn > MAX_TURNS) throw new Broken(`it does not come to rest in ${turn} turns`);
    }
  }
}
