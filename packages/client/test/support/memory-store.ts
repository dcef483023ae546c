import { DleError } from '@dle/common';
import type { Answer } from '@dle/net';
import {
  type ClientRequest,
  type DumpRequest,
  delResult,
  dumpResult,
  emptyResult,
  getResult,
  isLeadersRead,
  type Pair,
  PairsWriter,
  putResult,
} from '../../src/protocol/index.js';

interface Snapshot {
  readonly index: number;
  readonly pairs: readonly Pair[];
  next: number;
}

/** A map that answers requests as a cluster does: what the nodes of a test share. */
export class MemoryStore {
  readonly pairs = new Map<string, Pair>();
  readonly snapshots = new Map<string, Snapshot>();
  /**
   * Pages are at most this large, whatever is asked for: a test need not store a megabyte to see
   * two.
   */
  maxPageBytes: number = Number.POSITIVE_INFINITY;
  #index = 0;
  #lastCursor = 0;

  /** `leader` is the hint that goes with what was passed on. */
  answer(request: ClientRequest, leader?: string): Answer {
    switch (request.op) {
      case 'put': {
        // The bytes are views of a frame that nobody promises to keep.
        const pair = { key: Buffer.from(request.key), value: Buffer.from(request.value) };
        this.pairs.set(idOf(request.key), pair);
        return putResult({ index: ++this.#index, leader });
      }
      case 'del':
        return delResult({
          index: ++this.#index,
          existed: this.pairs.delete(idOf(request.key)),
          leader,
        });
      case 'get':
        return getResult({
          value: this.pairs.get(idOf(request.key))?.value,
          // What any node answers is passed on to nobody.
          leader: isLeadersRead(request.level) ? leader : undefined,
        });
      case 'dump':
        return this.#page(request);
      case 'release':
        this.snapshots.delete(request.cursor);
        return emptyResult();
      default:
        throw new DleError('DLE_INTERNAL', 'a node answers that, not its store');
    }
  }

  #page({ cursor, maxBytes }: DumpRequest): Answer {
    const snapshot =
      cursor === undefined
        ? { index: this.#index, pairs: [...this.pairs.values()], next: 0 }
        : this.snapshots.get(cursor);
    if (snapshot === undefined) throw new DleError('DLE_CURSOR_LOST', `no such dump: ${cursor}`);
    if (cursor !== undefined) this.snapshots.delete(cursor);
    const page = new PairsWriter(Math.min(maxBytes, this.maxPageBytes));
    while (snapshot.next < snapshot.pairs.length) {
      const { key, value } = snapshot.pairs[snapshot.next]!;
      if (!page.add(key, value)) break;
      snapshot.next++;
    }
    const { count, bytes: pairs } = page;
    const { index } = snapshot;
    if (snapshot.next === snapshot.pairs.length) {
      return dumpResult({ cursor: undefined, count, index, pairs });
    }
    const following = `cursor-${++this.#lastCursor}`;
    this.snapshots.set(following, snapshot);
    return dumpResult({ cursor: following, count, index, pairs });
  }
}

function idOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
