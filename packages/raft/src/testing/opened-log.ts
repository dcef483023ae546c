import { type DleError, toBytes } from '@dle/common';
import type { Configuration, EntryBatch, NodeId, RecoveredState } from '../core/types.js';
import type { LogPort, Proposal } from '../driver/ports.js';
import { withPatience } from './patience.js';

/** A log to be held against what is written on `LogPort`. */
export interface LogUnderTest<P extends Proposal> {
  /** Opens it: empty the first time, later with what was left, as a process that starts does. */
  open(): Promise<LogPort<P>>;
  /** Ends it as a process does that ends well; what was not flushed may go. */
  close(): Promise<void>;
  /** A proposal whose entry holds `payload`. */
  propose(payload: Uint8Array): P;
  /** After the case, whatever came of it. The log may be open. */
  dispose(): Promise<void>;
  /** How long to wait for a flush, in milliseconds. Default 10,000. */
  readonly patienceMs?: number;
}

/** An entry as the suite knows it; the sizes of those that consensus makes are the log's affair. */
export interface KnownEntry {
  readonly term: number;
  readonly bytes?: number;
  readonly configuration?: Configuration;
}

/** A log that is open, and all that it has reported; with a dumb model of what it must hold. */
export class OpenedLog<P extends Proposal> {
  readonly log: LogPort<P>;
  readonly recovered: RecoveredState;
  /** What `flushed` and `failed` were told. */
  readonly tickets: number[] = [];
  readonly failures: DleError[] = [];
  /** Of the last write; -1: none yet. */
  ticket = -1;
  /** Whether a flush was reported while one of its calls was on the stack. */
  wasCalledBack = false;
  /** From index 1 on; of those that were purged before it was opened the terms mean nothing. */
  readonly known: KnownEntry[];
  readonly #test: LogUnderTest<P>;
  #isInside = false;
  #report: () => void = () => {};

  private constructor(test: LogUnderTest<P>, log: LogPort<P>, recovered: RecoveredState) {
    this.#test = test;
    this.log = log;
    this.recovered = recovered;
    const { index, term } = recovered.base;
    const before = Array.from({ length: index }, () => ({ term }));
    this.known = [...before, ...entriesIn(recovered.batches, index + 1)];
    log.listen(
      (ticket) => {
        this.tickets.push(ticket);
        if (this.#isInside) this.wasCalledBack = true;
        this.#report();
      },
      (error) => {
        this.failures.push(error);
        this.#report();
      },
    );
  }

  static async open<P extends Proposal>(test: LogUnderTest<P>): Promise<OpenedLog<P>> {
    const log = await test.open();
    return new OpenedLog(test, log, await log.recover());
  }

  get lastIndex(): number {
    return this.known.length;
  }

  vote(term: number, vote: NodeId): number {
    return this.write(() => this.log.saveVote(term, vote, false));
  }

  /** Appends an entry for each payload, and adds it to the model. */
  propose(term: number, ...payloads: string[]): number {
    const proposals = payloads.map((payload) => this.#test.propose(toBytes(payload)));
    const firstIndex = this.lastIndex + 1;
    const ticket = this.write(() => this.log.appendProposed(proposals, firstIndex, term));
    for (const { bytes } of proposals) this.known.push({ term, bytes });
    return ticket;
  }

  noop(term: number): number {
    const ticket = this.write(() => this.log.appendNoop(this.lastIndex + 1, term));
    this.known.push({ term });
    return ticket;
  }

  configure(term: number, configuration: Configuration): number {
    const index = this.lastIndex + 1;
    const ticket = this.write(() => this.log.appendConfiguration(configuration, index, term));
    this.known.push({ term, configuration });
    return ticket;
  }

  receive(bytes: Uint8Array, fromIndex: number, replaces: boolean): number {
    const batch = this.log.decode(bytes);
    const ticket = this.write(() => this.log.appendReceived(batch, fromIndex, replaces));
    this.known.length = fromIndex - 1;
    this.known.push(...entriesIn([batch]).slice(fromIndex - batch.firstIndex));
    return ticket;
  }

  write(call: () => number): number {
    this.#isInside = true;
    try {
      this.ticket = call();
    } finally {
      this.#isInside = false;
    }
    return this.ticket;
  }

  /** Resolves when `ticket`, by default the last one, was reported as flushed. */
  async flushed(ticket: number = this.ticket): Promise<void> {
    await this.#reported(
      () => (this.tickets.at(-1) ?? -1) >= ticket,
      `a flush of ticket ${ticket}`,
    );
  }

  /** Resolves when the log has said that it takes no more writes. */
  async failed(): Promise<void> {
    await this.#reported(() => this.failures.length > 0, 'the log to say that it has failed');
  }

  /** A copy of the bytes of these entries. */
  async read(fromIndex: number, toIndex: number): Promise<Uint8Array> {
    return (await this.log.read(fromIndex, toIndex)).slice();
  }

  /** What the entries are that the log gives out, as it takes them apart itself. */
  async entries(fromIndex: number, toIndex: number): Promise<KnownEntry[]> {
    return entriesIn([this.log.decode(await this.read(fromIndex, toIndex))], fromIndex);
  }

  async #reported(isThere: () => boolean, what: string): Promise<void> {
    if (isThere()) return;
    const reported = new Promise<void>((resolve) => {
      this.#report = () => {
        if (isThere()) resolve();
      };
    });
    await withPatience(reported, what, this.#test.patienceMs);
  }
}

/** The entries of batches without gaps from `firstIndex` on. */
function entriesIn(batches: Iterable<EntryBatch>, firstIndex?: number): KnownEntry[] {
  const entries: KnownEntry[] = [];
  let next = firstIndex;
  for (const batch of batches) {
    if (batch.firstIndex !== (next ?? batch.firstIndex) || batch.count < 1) {
      throw new Error(`${batch.count} entries from ${batch.firstIndex} on, not from ${next}`);
    }
    next = batch.firstIndex + batch.count;
    const configurations = new Map(
      batch.configurations.map(({ index, configuration }) => [index, configuration]),
    );
    for (let index = batch.firstIndex; index < next; index++) {
      const configuration = configurations.get(index);
      const [term, bytes] = [batch.termAt(index), batch.bytesAt(index)];
      entries.push(configuration === undefined ? { term, bytes } : { term, bytes, configuration });
    }
  }
  return entries;
}
