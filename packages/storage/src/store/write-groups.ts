import type { DleError } from '@dle/common';
import type { EntryBatch } from '../log/entry-batch.js';

/** The writes of one turn: one batch, one append, one promise for all who wait. */
export class WriteGroup {
  readonly promise: Promise<void>;
  /** Whether it counts once it is on the device, or once the operating system has it. */
  durable = false;
  batch: EntryBatch | undefined;
  /** Of the frame that holds the last of it. */
  sequence = 0;
  resolve!: () => void;
  reject!: (error: DleError) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
