import { DleError } from '@dle/common';
import type { Snapshot } from './types.js';
import type { View } from './view.js';

/** A view that the program holds. */
export class StoreSnapshot implements Snapshot {
  readonly index: number;
  readonly #onClose: (snapshot: StoreSnapshot) => void;
  #view: View | undefined;

  constructor(view: View, onClose: (snapshot: StoreSnapshot) => void) {
    this.index = view.index;
    this.#view = view;
    this.#onClose = onClose;
  }

  get isClosed(): boolean {
    return this.#view === undefined;
  }

  /** Throws `DLE_CLOSED`. */
  get view(): View {
    if (this.#view === undefined) throw new DleError('DLE_CLOSED', 'the snapshot is closed');
    return this.#view;
  }

  close(): void {
    const view = this.#view;
    if (view === undefined) return;
    this.#view = undefined;
    this.#onClose(this);
    view.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
