import { assert, DleError, readUint64, writeUint64 } from '@dle/common';
import type { Log } from '@dle/storage/internal';
import { LOST_TERMS } from '../core/core-state.js';

const VOTE_STATE = 'vote';
const VOTE_BYTES = 24;

interface Vote {
  readonly term: number;
  /** 0: none. */
  readonly vote: number;
  readonly lostData: boolean;
}

const NO_VOTE: Vote = { term: 0, vote: 0, lostData: false };

/**
 * Term and vote: a view of the log, which holds them among its records in the order in which
 * everything was written. So a term is always durable before the entries of that term.
 */
export class State implements Vote {
  readonly #log: Log;
  readonly term: number;
  /** 0: none. */
  readonly vote: number;
  /** Whether the log may lack what was acknowledged; see `RecoveredState`. */
  readonly lostData: boolean;

  /** @throws DleError `DLE_FORMAT` */
  constructor(log: Log) {
    this.#log = log;
    const bytes = log.localState(VOTE_STATE);
    const { term, vote, lostData } = bytes === undefined ? NO_VOTE : decode(bytes);
    this.term = term;
    this.vote = vote;
    this.lostData = lostData;
  }

  /** Writes them; returns the frame whose flush makes them durable. */
  save(term: number, vote: number, lostData: boolean): number {
    assert(term >= this.term, 'terms never fall');
    return this.#log.setLocalState(VOTE_STATE, encode({ term, vote, lostData }));
  }
}

/**
 * The local states for a new, empty log in the place of one that is damaged, made of what could be
 * saved of its own: the node is in a term so far ahead that nothing which it has voted or
 * acknowledged counts there, and says of its votes that it has lost data until it holds again what
 * was committed. A term and vote that are lost count as none; `leastTerm` is one that it is
 * otherwise known to have been in.
 */
export function lostDataStates(
  states: ReadonlyMap<string, Uint8Array>,
  leastTerm: number = 0,
): Map<string, Uint8Array> {
  const bytes = states.get(VOTE_STATE);
  const known = bytes?.length === VOTE_BYTES ? decode(bytes).term : 0;
  const term = Math.max(known, leastTerm) + LOST_TERMS;
  return new Map([...states, [VOTE_STATE, encode({ term, vote: 0, lostData: true })]]);
}

/** `0 term u64   8 vote u64   16 lost data u64: 1, or 0` */
function encode({ term, vote, lostData }: Vote): Uint8Array {
  const bytes = new Uint8Array(VOTE_BYTES);
  const view = new DataView(bytes.buffer);
  writeUint64(view, 0, term);
  writeUint64(view, 8, vote);
  writeUint64(view, 16, lostData ? 1 : 0);
  return bytes;
}

/** @throws DleError `DLE_FORMAT` */
function decode(bytes: Uint8Array): Vote {
  if (bytes.length !== VOTE_BYTES) {
    const message = `term and vote take ${VOTE_BYTES} bytes, not ${bytes.length}`;
    throw new DleError('DLE_FORMAT', message);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const mark = readUint64(view, 16);
  if (mark > 1) throw new DleError('DLE_FORMAT', `the mark of lost data is 0 or 1, not ${mark}`);
  return { term: readUint64(view, 0), vote: readUint64(view, 8), lostData: mark === 1 };
}
