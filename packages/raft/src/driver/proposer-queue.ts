import { DleError } from '@dle/common';
import type { Proposal } from './ports.js';
import { outcomeUnknown, type Settle, WaitingByIndex } from './waiting.js';

/** Most entries handed to the core in one event: bounds the work of one step. */
const MAX_BATCH_ENTRIES = 4_096;
/** Most bytes handed to the core in one event; a single larger entry still goes alone. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

export interface ProposalBatch<P> {
  readonly proposals: readonly P[];
  /** Of each proposal, in bytes. */
  readonly sizes: readonly number[];
  readonly settles: readonly Settle[];
  /** Of all of them. */
  readonly bytes: number;
}

/**
 * Proposals on their way: queued until the turn ends, then in the log until they are applied.
 * Whoever is in here is answered exactly once.
 */
export class ProposerQueue<P extends Proposal> {
  #queued: P[] = [];
  #queuedSettles: Settle[] = [];
  #queuedBytes = 0;
  readonly #inLog: WaitingByIndex = new WaitingByIndex();
  readonly #maxBytes: number;

  constructor(options: { readonly maxBytes: number }) {
    this.#maxBytes = options.maxBytes;
  }

  /** Bytes of entries that are proposed, in batches that are not yet answered. */
  get bytes(): number {
    return this.#queuedBytes + this.#inLog.bytes;
  }

  get queued(): number {
    return this.#queued.length;
  }

  /** Returns `DLE_OVERLOADED` instead of queueing where too many bytes are under way already. */
  push(proposal: P, settle: Settle): DleError | undefined {
    const { bytes } = this;
    if (bytes > 0 && bytes + proposal.bytes > this.#maxBytes) {
      return new DleError(
        'DLE_OVERLOADED',
        `${bytes} bytes of writes are waiting for a majority; try again later`,
        { retryable: true },
      );
    }
    this.#queuedBytes += proposal.bytes;
    this.#queued.push(proposal);
    this.#queuedSettles.push(settle);
    return undefined;
  }

  /** Takes the next batch off the queue; `apart`: what gives space back with nothing else. */
  take(apart: boolean = false): ProposalBatch<P> {
    const sizes: number[] = [];
    let bytes = 0;
    while (sizes.length < this.#queued.length && sizes.length < MAX_BATCH_ENTRIES) {
      const { bytes: next, givesBack } = this.#queued[sizes.length]!;
      if (sizes.length > 0 && bytes + next > MAX_BATCH_BYTES) break;
      if (apart && givesBack !== this.#queued[0]!.givesBack) break;
      bytes += next;
      sizes.push(next);
    }
    this.#queuedBytes -= bytes;
    const proposals = this.#queued.splice(0, sizes.length);
    const settles = this.#queuedSettles.splice(0, sizes.length);
    return { proposals, sizes, settles, bytes };
  }

  /** The batch is in the log, at `firstIndex` and behind. */
  accepted(batch: ProposalBatch<P>, firstIndex: number, now: number): void {
    this.#inLog.addRun(batch.settles, firstIndex, batch.bytes, now);
  }

  /** The batch was not taken; nothing of it was written. */
  refused(batch: ProposalBatch<P>, error: DleError): void {
    for (const settle of batch.settles) settle(error, 0);
  }

  applied(index: number): void {
    this.#inLog.settleUpTo(index);
  }

  /** Those in the log since before `before` need not wait longer; they may still be committed. */
  expire(before: number): void {
    this.#inLog.expire(before, () => outcomeUnknown('no majority has taken it in time'));
  }

  /** Leadership is gone: those in the log may still be committed by another leader. */
  lostLeadership(): void {
    this.#inLog.failAll(outcomeUnknown('the leader changed'));
  }

  fail(inLog: DleError, queued: DleError): void {
    this.#inLog.failAll(inLog);
    while (this.#queued.length > 0) this.refused(this.take(), queued);
  }
}
