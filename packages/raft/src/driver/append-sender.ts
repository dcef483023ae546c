import { DleError, type Logger } from '@dle/common';
import type { AppendRequest, NodeId } from '../core/types.js';
import type { LogPort, Proposal, Transport } from './ports.js';

/**
 * Attaches entries to append requests. Recent entries come from memory and leave in the same turn;
 * older ones are read from the device, and until they are there, later requests to
 * the same peer queue behind them: overtaking would only make the peer reject them.
 */
export class AppendSender {
  readonly #log: LogPort<Proposal>;
  readonly #transport: Transport;
  readonly #logger: Logger;
  /**
   * Whether the message still speaks for this node: it leads, in the message's term, and its log
   * still holds what is to be sent.
   */
  readonly #isCurrent: (message: AppendRequest) => boolean;
  readonly #tails = new Map<NodeId, Promise<void>>();
  /** What was said last of a log that cannot be read: not again at every heartbeat. */
  #said = '';

  constructor(
    components: {
      readonly log: LogPort<Proposal>;
      readonly transport: Transport;
      readonly logger: Logger;
    },
    isCurrent: (message: AppendRequest) => boolean,
  ) {
    this.#log = components.log;
    this.#transport = components.transport;
    this.#logger = components.logger;
    this.#isCurrent = isCurrent;
  }

  send(message: AppendRequest): void {
    const tail = this.#tails.get(message.to);
    if (tail !== undefined) {
      this.#chain(
        message,
        tail.then(() => this.#read(message)),
      );
      return;
    }
    const entries = this.#read(message);
    if (entries instanceof Promise) this.#chain(message, entries);
    else this.#transport.send(message, entries);
  }

  #read(message: AppendRequest): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (message.lastIndex === message.previousIndex || !this.#isCurrent(message)) return undefined;
    return this.#log.read(message.previousIndex + 1, message.lastIndex);
  }

  #chain(message: AppendRequest, entries: Promise<Uint8Array | undefined>): void {
    const tail = entries
      .then(
        (bytes) => {
          // The entries may have been replaced while they were read.
          if (this.#isCurrent(message)) this.#transport.send(message, bytes);
        },
        (thrown: unknown) => {
          // Not sent is as good as lost: the peer is asked again. What was purged meanwhile comes
          // to it by a snapshot; a damaged log shows here first.
          if (!this.#isCurrent(message)) return;
          const { code, message: text } = DleError.from(thrown);
          if (text === this.#said) return;
          this.#said = text;
          this.#logger.error({ code, peer: message.to }, `cannot read the log: ${text}`);
        },
      )
      .finally(() => {
        if (this.#tails.get(message.to) === tail) this.#tails.delete(message.to);
      });
    this.#tails.set(message.to, tail);
  }
}
