import { assert, DleError, readUint64, writeUint64 } from '@dle/common';
import type { Log } from '@dle/storage/internal';

const VOTE_STATE = 'vote';
const VOTE_BYTES = 16;

/**
 * Term and vote: a view of the log, which holds them among its records in the order in which
 * everything was written. So a term is always durable before the entries of that term.
 */
export class State {
  readonly #log: Log;
  readonly term: number;
  /** 0: none. */
  readonly vote: number;

  /** @throws DleError `DLE_FORMAT` */
  constructor(log: Log) {
    this.#log = log;
    const bytes = log.localState(VOTE_STATE);
    if (bytes === undefined) {
      this.term = 0;
      this.vote = 0;
      return;
    }
    if (bytes.length !== VOTE_BYTES) {
      throw new DleError(
        'DLE_FORMAT',
        `term and vote take ${VOTE_BYTES} bytes, not ${bytes.length}`,
      );
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.term = readUint64(view, 0);
    this.vote = readUint64(view, 8);
  }

  /** Writes them; returns the frame whose flush makes them durable. */
  save(term: number, vote: number): number {
    assert(term >= this.term, 'terms never fall');
    const bytes = new Uint8Array(VOTE_BYTES);
    const view = new DataView(bytes.buffer);
    writeUint64(view, 0, term);
    writeUint64(view, 8, vote);
    return this.#log.setLocalState(VOTE_STATE, bytes);
  }
}
