import { Broken } from './crash-failure.js';
import { describeKey } from './model.js';

/** Each of them is compared, byte by byte, at the end. */
const MOST_VIEWS = 8;

interface HeldView {
  readonly key: string;
  readonly view: Uint8Array;
  readonly copy: Uint8Array;
}

/** Values that were borrowed from a store: they stay as they are, closed store or not. */
export class HeldViews {
  #views: HeldView[] = [];

  hold(key: string, view: Uint8Array): void {
    if (this.#views.length >= MOST_VIEWS) return;
    this.#views.push({ key, view, copy: Uint8Array.from(view) });
  }

  /** Lets go of all; returns how many there were. */
  release(): number {
    const views = this.#views;
    this.#views = [];
    for (const { key, view, copy } of views) {
      if (Buffer.compare(view, copy) === 0) continue;
      throw new Broken(`the view of ${describeKey(key)} has changed while it was held`);
    }
    return views.length;
  }
}
