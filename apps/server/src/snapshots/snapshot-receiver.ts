import { type Clock, DleError, equalBytes, isDleError, type Logger } from '@dle/common';
import type { Answer, Control, Rpc } from '@dle/net';
import type { LogProposal, RaftNode } from '@dle/raft';
import { type BaseImporter, type Floor, type ImportOptions, LogStore } from '@dle/storage';
import type { Vfs } from '@dle/storage/internal';
import {
  type BeginRequest,
  type ChunkRequest,
  parseSnapshotRequest,
  type SnapshotRequest,
  type TransferName,
} from './messages.js';
import { snapshotRefused } from './refused.js';

/**
 * A sender that is silent for longer has given up, in milliseconds: twice what it waits itself. The
 * space of what has come is given back then.
 */
const IDLE_MS = 60_000;

export interface SnapshotReceiverComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly vfs: Vfs;
  /** @throws DleError `DLE_UNAVAILABLE`: there is none at the moment */
  readonly raft: () => RaftNode<LogProposal>;
  /** Told that a snapshot finds no room on the disk. */
  readonly full: () => void;
  /**
   * Puts the base, all of which has come, in the place of the replica, if it is still wanted then;
   * whether it was.
   */
  readonly install: (importer: BaseImporter, floor: Floor) => Promise<boolean>;
}

export interface SnapshotReceiverOptions extends Required<Omit<ImportOptions, 'floor'>> {
  readonly directory: string;
}

/** A transfer under way, for operators. */
export interface IncomingSnapshot {
  readonly from: number;
  readonly index: number;
  /** Since it was begun, or gone on with. */
  readonly receivedBytes: number;
  /** Roughly, of all records. */
  readonly totalBytes: number;
}

interface Transfer {
  from: number;
  term: number;
  readonly floor: Floor;
  readonly importer: BaseImporter;
  readonly totalBytes: number;
  receivedBytes: number;
  cancelTimer: () => void;
}

/**
 * Takes in what leaders bring, beside the replica that it will replace. One at a time: that of a
 * newer leader ends that of an older one.
 */
export class SnapshotReceiver {
  readonly #components: SnapshotReceiverComponents;
  readonly #options: SnapshotReceiverOptions;
  #transfer: Transfer | undefined;
  /** What begins or ends a transfer is done one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #received = 0;
  #closed = false;

  constructor(components: SnapshotReceiverComponents, options: SnapshotReceiverOptions) {
    this.#components = components;
    this.#options = options;
  }

  /** Snapshots that have come into force here, since this node was started. */
  get received(): number {
    return this.#received;
  }

  get underWay(): IncomingSnapshot | undefined {
    if (this.#transfer === undefined) return undefined;
    const { from, floor, receivedBytes, totalBytes } = this.#transfer;
    return { from, index: floor.index, receivedBytes, totalBytes };
  }

  /** Answers a leader's request on the lane of snapshots. */
  async handle(control: Control, raw: Uint8Array, rpc: Rpc): Promise<Answer> {
    const request = parseSnapshotRequest(control, raw);
    return { control: await this.#dispatch(request, rpc.hello.node ?? 0) };
  }

  /** Ends the transfer under way; it can be gone on with after another start. Idempotent. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#inTurn(() => this.#end((importer) => importer.close()));
  }

  #dispatch(request: SnapshotRequest, from: number): Promise<Control> {
    switch (request.op) {
      case 'snapshotBegin':
        return this.#inTurn(() => this.#begin(request, from));
      case 'snapshotChunk':
        return this.#take(request);
      case 'snapshotFinish':
        return this.#inTurn(() => this.#finish(request));
    }
  }

  async #begin({ term, floor, bytes }: BeginRequest, from: number): Promise<Control> {
    if (this.#closed) throw new DleError('DLE_CLOSED', 'the node is stopping', { retryable: true });
    const raft = this.#components.raft();
    if (raft.stopped !== undefined) throw raft.stopped;
    this.#refuseStale(term, raft);
    if (!raft.core.wants(floor)) throw notWanted(floor, raft);
    let transfer = this.#transfer;
    if (transfer === undefined || !isSame(transfer.floor, floor)) {
      await this.#end((importer) => importer.close());
      transfer = await this.#open(floor, bytes);
      this.#transfer = transfer;
    }
    // Whoever leads now goes on with what another one has begun.
    transfer.from = from;
    transfer.term = term;
    this.#awaitMore(transfer);
    const { after, isComplete } = transfer.importer;
    this.#components.logger.info(
      { from, index: floor.index, bytes, resumed: after !== undefined },
      `receiving a snapshot of entry ${floor.index}`,
    );
    return { after, complete: isComplete };
  }

  async #open(floor: Floor, totalBytes: number): Promise<Transfer> {
    const { directory, ...options } = this.#options;
    const { vfs } = this.#components;
    const importer = await LogStore.beginImport(directory, { ...options, floor }, { vfs });
    const common = { from: 0, term: 0, receivedBytes: 0, cancelTimer: () => {} };
    return { ...common, floor, importer, totalBytes };
  }

  async #take({ chunk, ...name }: ChunkRequest): Promise<Control> {
    const transfer = this.#named(name);
    this.#refuseStale(name.term, this.#components.raft());
    try {
      this.#checkRoom(chunk.records.length);
      await transfer.importer.write(chunk);
    } catch (thrown) {
      const { code, message } = DleError.from(thrown);
      if (code === 'DLE_DISK_FULL') {
        // What has come would only keep the disk full.
        await this.#inTurn(() => this.#giveUp(transfer));
        this.#components.full();
      }
      if (!isDleError(thrown, 'DLE_INVALID_ARGUMENT', 'DLE_CLOSED')) throw thrown;
      throw snapshotRefused('elsewhere', `${code}: ${message}`, { cause: thrown });
    }
    transfer.receivedBytes += chunk.records.length;
    if (this.#transfer === transfer) this.#awaitMore(transfer);
    return {};
  }

  async #finish(name: TransferName): Promise<Control> {
    const { floor, importer, cancelTimer } = this.#named(name);
    this.#refuseStale(name.term, this.#components.raft());
    if (!importer.isComplete) throw snapshotRefused('elsewhere', 'not all of it has come yet');
    cancelTimer();
    let isFull = false;
    try {
      const isInForce = await this.#components.install(importer, floor);
      if (!isInForce) throw notWanted(floor, this.#components.raft());
      this.#received++;
      return { index: floor.index };
    } catch (thrown) {
      isFull = isDleError(thrown, 'DLE_DISK_FULL');
      throw thrown;
    } finally {
      this.#transfer = undefined;
      await (isFull ? importer.abandon() : importer.close());
    }
  }

  /** What is received leaves a segment to the log, which goes on beside it. */
  #checkRoom(bytes: number): void {
    const { directory, segmentSize } = this.#options;
    const free = this.#components.vfs.freeBytes(directory);
    if (free >= segmentSize + bytes) return;
    const message = `${free} bytes are free, too few for a snapshot beside the log`;
    throw new DleError('DLE_DISK_FULL', message, { retryable: true });
  }

  #refuseStale(term: number, raft: RaftNode<LogProposal>): void {
    const known = Math.max(raft.core.term, this.#transfer?.term ?? 0);
    if (term >= known) return;
    throw snapshotRefused('stale', `a leader of term ${known} is known here, not of ${term}`);
  }

  #named({ term, index }: TransferName): Transfer {
    const transfer = this.#transfer;
    if (transfer?.term === term && transfer.floor.index === index) return transfer;
    throw snapshotRefused('elsewhere', `no snapshot of entry ${index} was begun in term ${term}`);
  }

  #awaitMore(transfer: Transfer): void {
    transfer.cancelTimer();
    transfer.cancelTimer = this.#components.clock.setTimer(() => {
      void this.#inTurn(() => this.#giveUp(transfer));
    }, IDLE_MS);
  }

  async #giveUp(transfer: Transfer): Promise<void> {
    if (this.#transfer === transfer) await this.#end((importer) => importer.abandon());
  }

  async #end(how: (importer: BaseImporter) => Promise<void>): Promise<void> {
    const transfer = this.#transfer;
    if (transfer === undefined) return;
    this.#transfer = undefined;
    transfer.cancelTimer();
    await how(transfer.importer);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function notWanted({ index }: Floor, { core }: RaftNode<LogProposal>): DleError {
  const { commit } = core;
  const message = `entry ${index} is here already: what is committed ends at ${commit}`;
  return snapshotRefused('notWanted', message, { commit });
}

function isSame(one: Floor, other: Floor): boolean {
  return one.index === other.index && one.term === other.term && equalBytes(one.state, other.state);
}
