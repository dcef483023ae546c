import { DleError } from '@dle/common';
import type { Consensus, Participation } from './participation.js';
import type { Replica } from './replica.js';

/** Keeps the replica of a node while it runs, and has others take its place, one by one. */
export class ReplicaKeeper {
  #current: Replica;
  /** What to tell whoever asks for it meanwhile. */
  #absent: DleError | undefined;
  /** Why none has taken the place of the last. */
  #failure: DleError | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  readonly #failed: (error: DleError) => void;

  /** `failed` is told each time why there is no replica any more. */
  constructor(replica: Replica, failed: (error: DleError) => void) {
    this.#current = replica;
    this.#failed = failed;
  }

  /** The present one, or the last: it may be closed. */
  get current(): Replica {
    return this.#current;
  }

  /** @throws DleError `DLE_UNAVAILABLE`, retryable, while another takes its place, or has failed to */
  get serving(): Replica {
    if (this.#absent !== undefined) throw this.#absent;
    return this.#current;
  }

  get isReplacing(): boolean {
    return this.#absent !== undefined && this.#failure === undefined;
  }

  /** Why there is no replica, until another one is tried. */
  get failure(): DleError | undefined {
    return this.#failure;
  }

  /**
   * Ends consensus on the present replica, and begins it on the one that `make` makes of it; that
   * may be the same again. Everybody who waits is answered; nobody else does the same meanwhile.
   * Rejects with `DLE_ABORTED` when the node closes, and with what `make` or the start of consensus
   * rejects with: then there is none to go on with, and another call may make one of what is left.
   */
  replace(
    participation: Participation,
    why: string,
    make: (old: Replica, ended: Consensus | undefined) => Promise<Replica>,
  ): Promise<void> {
    const turn = this.#last.then(async () => {
      this.#checkOpen();
      this.#absent = absentFor(`${why}; try again, or ask another node`);
      this.#failure = undefined;
      const ended = participation.end(this.#absent);
      this.#current = await make(this.#current, ended);
      this.#checkOpen();
      await participation.begin(this.#current);
      this.#absent = undefined;
    });
    this.#last = turn.catch((thrown: unknown) => {
      const error = DleError.from(thrown);
      if (error.code === 'DLE_ABORTED') return;
      this.#failure = error;
      this.#absent = absentFor(`this node has failed (${error.message}); ask another node`);
      this.#failed(error);
    });
    return turn;
  }

  /** Closes the replica there is, when what has been begun with it is done. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#last.then(() => this.#current.close());
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new DleError('DLE_ABORTED', 'the node is stopping');
  }
}

function absentFor(message: string): DleError {
  return new DleError('DLE_UNAVAILABLE', message, { retryable: true });
}
