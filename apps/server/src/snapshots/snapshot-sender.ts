import { assert, type Clock, DleError, type Logger } from '@dle/common';
import type { Rpc, TcpClient } from '@dle/net';
import type { LogBase, NodeId, SnapshotTransfer } from '@dle/raft';
import type { BaseExport } from '@dle/storage';
import type { Replica } from '../replica/replica.js';
import { parseBegun, type Sent, sentBegin, sentChunk, sentFinish } from './messages.js';
import { RateLimit } from './rate-limit.js';

/**
 * Bytes of records in a chunk: some milliseconds of either side's thread at most, and enough that
 * the round trips do not count.
 */
const CHUNK_BYTES = 256 * 1024;
/** Chunks on their way, unanswered: while one is written there, the next arrives. */
const WINDOW = 2;
/** How long a receiver may take for one chunk, in milliseconds: several slow flushes. */
const CHUNK_TIMEOUT_MS = 10_000;
/**
 * How long it may take to put the snapshot in force, in milliseconds: it opens the store anew,
 * which for ten million keys takes some seconds.
 */
const FINISH_TIMEOUT_MS = 120_000;
/**
 * A receiver that nothing is heard from for so long is given up, in milliseconds: long enough for
 * its process to be started again. Consensus asks once more when it is back.
 */
const SILENT_MS = 30_000;
/** Between two tries, in milliseconds. */
const RETRY_MS = 200;

export interface SnapshotSenderComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A connection of its own to that member; `undefined` where it is none. */
  readonly open: (to: NodeId) => TcpClient | undefined;
  /** Told of damage that is found in this node's own store. */
  readonly damaged: (error: DleError) => void;
}

export interface SnapshotSenderOptions {
  /** Of all transfers together. */
  readonly bytesPerSecond: number;
}

/** A transfer under way, for operators. */
export interface OutgoingSnapshot {
  readonly to: NodeId;
  readonly index: number;
  readonly sentBytes: number;
  /** Roughly, of all records. */
  readonly totalBytes: number;
}

/** How a transfer is going. */
interface Transfer {
  readonly to: NodeId;
  readonly term: number;
  readonly base: BaseExport;
  readonly signal: AbortSignal;
  sentBytes: number;
  /** When the receiver was last heard of. */
  heardAt: number;
}

/** Brings members the state of the replica of the time, chunk by chunk. */
export class SnapshotSender {
  readonly #components: SnapshotSenderComponents;
  readonly #limit: RateLimit;
  readonly #underWay = new Set<Transfer>();
  #sent = 0;

  constructor(components: SnapshotSenderComponents, options: SnapshotSenderOptions) {
    this.#components = components;
    this.#limit = new RateLimit(components, options.bytesPerSecond);
  }

  /** Snapshots that have come into force elsewhere, since this node was started. */
  get sent(): number {
    return this.#sent;
  }

  get underWay(): OutgoingSnapshot[] {
    return Array.from(this.#underWay, ({ to, base, sentBytes }) => {
      return { to, index: base.index, sentBytes, totalBytes: base.bytes };
    });
  }

  /** The port through which consensus, on this replica, has snapshots sent. */
  portOf(replica: Replica): SnapshotTransfer {
    return {
      send: (to, base, term, signal) => this.#send(replica, { to, term, signal }, base),
    };
  }

  async #send(
    { store, log }: Replica,
    target: Pick<Transfer, 'to' | 'term' | 'signal'>,
    { index, ...rest }: LogBase,
  ): Promise<void> {
    const { clock, logger, open } = this.#components;
    // In this very turn: what is applied later is no part of it.
    const base = store.exportBase(log.floorOf({ index, ...rest }).state);
    assert(base.index === index, `a snapshot of entry ${index} of a state at ${base.index}`);
    const transfer: Transfer = { ...target, base, sentBytes: 0, heardAt: clock.now() };
    const client = open(target.to);
    this.#underWay.add(transfer);
    logger.info({ to: target.to, index, bytes: base.bytes }, `sending a snapshot of ${index}`);
    try {
      if (client === undefined) throw unreachable(target.to);
      await this.#bring(transfer, client);
      this.#sent++;
    } catch (thrown) {
      const error = DleError.from(thrown);
      if (isAlreadyThere(error, index)) return;
      throw error;
    } finally {
      this.#underWay.delete(transfer);
      base.close();
      await client?.close();
    }
  }

  /** Tries until it is there, cannot be, or the receiver has been silent for too long. */
  async #bring(transfer: Transfer, client: TcpClient): Promise<void> {
    const { clock, logger } = this.#components;
    for (;;) {
      try {
        const rpc = await client.connect({ timeoutMs: SILENT_MS, signal: transfer.signal });
        return await this.#attempt(transfer, rpc);
      } catch (thrown) {
        const error = DleError.from(thrown);
        if (transfer.signal.aborted || !mayPass(error)) throw error;
        if (clock.now() - transfer.heardAt > SILENT_MS) throw error;
        logger.debug({ to: transfer.to, code: error.code }, `a snapshot: ${error.message}`);
        await this.#pause();
      }
    }
  }

  async #attempt(transfer: Transfer, rpc: Rpc): Promise<void> {
    const { term, base, signal } = transfer;
    const { index } = base;
    const floor = { index, term: base.term, state: base.state };
    const begin = sentBegin({ op: 'snapshotBegin', term, index, floor, bytes: base.bytes });
    const begun = parseBegun(await this.#ask(transfer, rpc, begin, CHUNK_TIMEOUT_MS));
    const unanswered: Promise<unknown>[] = [];
    for (let { after, complete } = begun; !complete; ) {
      if (unanswered.length === WINDOW) await unanswered.shift();
      signal.throwIfAborted();
      const began = this.#components.clock.now();
      const chunk = await this.#read(base, after);
      const tookMs = this.#components.clock.now() - began;
      await this.#limit.take(chunk.records.length, tookMs);
      const message = sentChunk({ op: 'snapshotChunk', term, index, chunk });
      const answer = this.#ask(transfer, rpc, message, CHUNK_TIMEOUT_MS);
      // It is looked at in its turn; until then it may fail unnoticed.
      answer.catch(() => undefined);
      unanswered.push(answer);
      transfer.sentBytes += chunk.records.length;
      after = chunk.next;
      complete = after === undefined;
    }
    await Promise.all(unanswered);
    const finish = sentFinish({ op: 'snapshotFinish', term, index });
    await this.#ask(transfer, rpc, finish, FINISH_TIMEOUT_MS);
  }

  async #read(base: BaseExport, after: Uint8Array | undefined) {
    try {
      return await base.read(after, CHUNK_BYTES);
    } catch (thrown) {
      const error = DleError.from(thrown);
      this.#components.damaged(error);
      // Whatever is wrong here is no word of the receiver's.
      throw new DleError('DLE_ABORTED', `no snapshot of it can be read: ${error.message}`, {
        cause: error,
      });
    }
  }

  async #ask(transfer: Transfer, rpc: Rpc, { control, raw }: Sent, timeoutMs: number) {
    const reply = await rpc.request(control, raw, { timeoutMs, signal: transfer.signal });
    transfer.heardAt = this.#components.clock.now();
    return reply.control;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#components.clock.setTimer(resolve, RETRY_MS);
    });
  }
}

/** Whether the same may succeed in a moment. */
function mayPass({ code, retryable }: DleError): boolean {
  if (code === 'DLE_CONNECTION_LOST' || code === 'DLE_TIMEOUT') return true;
  // A disk takes longer to be emptied.
  return retryable && code !== 'DLE_DISK_FULL';
}

/** The receiver does not want it, as it has all of it. */
function isAlreadyThere({ code, details }: DleError, index: number): boolean {
  const { reason, commit } = details ?? {};
  return code === 'DLE_SNAPSHOT_REFUSED' && reason === 'notWanted' && Number(commit) >= index;
}

function unreachable(to: NodeId): DleError {
  return new DleError('DLE_UNAVAILABLE', `node ${to} is no member`, { retryable: true });
}
