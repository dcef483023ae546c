import { type Clock, DleError, type Logger } from '@dle/common';
import { formatAddress } from './address.js';
import { FrameKind } from './frame.js';
import { FrameParser } from './frame-parser.js';
import { Keepalive } from './keepalive.js';
import { MAX_HELLO_BYTES } from './limits.js';
import { Outbox } from './outbox.js';
import type { Socket } from './sockets.js';
import type { Control, RawParts } from './types.js';
import { refusalFrom, refusalOf } from './wire-error.js';

/**
 * How long a closed connection is kept, so that the other side can read why before it is reset, in
 * milliseconds.
 */
const LINGER_MS = 1_000;

/** What stands on a connection: first the greeting, then the session. */
export interface ConnectionUser {
  /**
   * A frame has come; `frames` describes it until this returns. A thrown DleError closes the
   * connection.
   */
  frame(frames: FrameParser): void;
  /** The operating system has taken bytes. */
  progress?(): void;
  /**
   * The connection is gone, for good; `refusal` is what the other side gave as the reason, if it
   * did. Called once.
   */
  closed(reason: DleError, refusal?: DleError): void;
}

export interface ConnectionComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly socket: Socket;
  readonly user: ConnectionUser;
}

export interface ConnectionOptions {
  readonly maxQueuedBytes: number;
  readonly keepaliveMs: number;
}

/**
 * A socket that carries frames. It answers pings, takes refusals, and closes on whatever is no
 * frame.
 */
export class Connection {
  /** Address of the other side. */
  readonly remote: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #socket: Socket;
  #frames: FrameParser = new FrameParser(MAX_HELLO_BYTES);
  readonly #outbox: Outbox;
  readonly #outboxOptions: { maxBodyBytes: number; maxQueuedBytes: number };
  readonly #keepalive: Keepalive;
  #user: ConnectionUser;
  #closedReason: DleError | undefined;
  #reading = true;
  #parsing = false;

  constructor(components: ConnectionComponents, options: ConnectionOptions) {
    const { clock, socket } = components;
    this.#clock = clock;
    this.#logger = components.logger;
    this.#socket = socket;
    this.#user = components.user;
    this.remote = remoteOf(socket);
    this.#outboxOptions = { maxBodyBytes: MAX_HELLO_BYTES, maxQueuedBytes: options.maxQueuedBytes };
    this.#outbox = new Outbox(
      { clock, socket, progress: () => this.#progress() },
      this.#outboxOptions,
    );
    this.#keepalive = new Keepalive(
      {
        clock,
        ping: () => void this.#outbox.put(FrameKind.ping, 0),
        dead: (silentMs) => this.fail(lost(`${this.remote} was silent for ${silentMs} ms`)),
      },
      { intervalMs: options.keepaliveMs },
    );
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('end', () => this.fail(this.#endReason()));
    socket.on('error', (error) => this.fail(lost(`${this.remote}: ${error.message}`, error)));
    socket.on('close', () => this.fail(lost(`${this.remote} closed the connection`)));
  }

  /** Why it is closed; `undefined` while it is open. */
  get closedReason(): DleError | undefined {
    return this.#closedReason;
  }

  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  get bufferedAnswerBytes(): number {
    return this.#outbox.bufferedAnswerBytes;
  }

  /** Number of the last frame of which bytes may have left. */
  get handedOver(): number {
    return this.#outbox.handedOver;
  }

  /**
   * The greeting is over: `user` takes what comes from now on, under wider limits, and silence is
   * watched.
   */
  welcome(user: ConnectionUser, maxBodyBytes: number): void {
    this.#user = user;
    this.#frames.maxBodyBytes = maxBodyBytes;
    this.#outboxOptions.maxBodyBytes = maxBodyBytes;
    this.#keepalive.start();
  }

  /**
   * Sends a frame and returns its number; throws what Outbox.put throws, or why the connection is
   * closed.
   */
  send(kind: FrameKind, id: number, control?: Control, raw?: RawParts): number {
    if (this.#closedReason !== undefined) {
      throw lost(this.#closedReason.message, this.#closedReason);
    }
    const number = this.#outbox.put(kind, id, control, raw);
    this.#keepalive.said();
    return number;
  }

  /**
   * Stops or goes on reading. `deaf`: it is this side that is busy, so silence is no sign of death.
   */
  setReading(reading: boolean, deaf: boolean): void {
    this.#keepalive.setDeaf(deaf);
    if (reading === this.#reading || this.#closedReason !== undefined) return;
    this.#reading = reading;
    if (!reading) {
      this.#socket.pause();
      return;
    }
    // Not at once: this may be a handler's call that answers in the midst of something.
    this.#clock.defer(() => {
      this.#parse();
      if (this.#reading) this.#socket.resume();
    });
  }

  /** What was sent leaves now, and not when the turn ends. */
  flush(): void {
    this.#outbox.flush();
  }

  /** Closes at once what no longer works. Does nothing if it is closed. */
  fail(reason: DleError, refusal?: DleError): void {
    if (this.#closedReason === undefined) this.#close(reason, refusal);
    this.#outbox.discard();
    this.#socket.destroy();
  }

  /**
   * Sends what is queued, then, if there is a `refusal`, that, and closes; gives all of it
   * LINGER_MS.
   * Does nothing if it is closed.
   */
  close(reason: DleError, refusal: DleError | undefined): void {
    if (this.#closedReason !== undefined) return;
    if (refusal !== undefined) this.#outbox.put(FrameKind.refusal, 0, refusalOf(refusal));
    this.#outbox.end();
    this.#close(reason);
    // A socket closed with bytes unread is reset, and the other side loses what it has not read.
    this.#socket.resume();
    const cancel = this.#clock.setTimer(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', cancel);
  }

  /** Closes for something the other side has done: it is told, and the log gets a warning. */
  refuse(error: DleError): void {
    this.#logger.warn(
      { remote: this.remote, code: error.code },
      `closed the connection with ${this.remote}: ${error.message}`,
    );
    this.close(error, error);
  }

  #close(reason: DleError, refusal?: DleError): void {
    this.#closedReason = reason;
    this.#keepalive.stop();
    // Whoever keeps a closed connection keeps no bytes with it.
    this.#frames = new FrameParser(0);
    this.#user.closed(reason, refusal);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closedReason !== undefined) return;
    this.#keepalive.heard();
    this.#frames.push(chunk);
    this.#parse();
  }

  /**
   * Takes all frames that have come. Not re-entrant: a handler that answers at once may set reading
   * on again.
   */
  #parse(): void {
    if (this.#parsing) return;
    this.#parsing = true;
    try {
      while (this.#reading && this.#closedReason === undefined && this.#frames.next()) {
        this.#take(this.#frames);
      }
    } catch (error) {
      if (!(error instanceof DleError))
        this.#logger.error({ err: error }, 'a frame broke its reader');
      this.refuse(DleError.from(error));
    } finally {
      this.#parsing = false;
    }
  }

  #take(frames: FrameParser): void {
    if (frames.kind === FrameKind.ping) this.#pong();
    else if (frames.kind === FrameKind.refusal) this.#refused(refusalFrom(frames.control()));
    else if (frames.kind !== FrameKind.pong) this.#user.frame(frames);
  }

  #refused(refusal: DleError): void {
    const why = `${refusal.message} (${refusal.code})`;
    this.fail(lost(`${this.remote} closed the connection: ${why}`, refusal), refusal);
  }

  /** Whatever is waiting is as good a sign of life; a flood of pings must not fill the outbox. */
  #pong(): void {
    if (this.#outbox.bufferedBytes === 0) this.send(FrameKind.pong, 0);
  }

  #progress(): void {
    // Only where this side, with its queue full, cannot listen: what is written to a dead peer is
    // taken for a while.
    if (!this.#reading) this.#keepalive.heard();
    if (this.#closedReason === undefined) this.#user.progress?.();
  }

  #endReason(): DleError {
    const where = this.#frames.between ? '' : ' in the middle of a frame';
    return lost(`${this.remote} closed the connection${where}`);
  }
}

function lost(message: string, cause?: unknown): DleError {
  return new DleError('DLE_CONNECTION_LOST', message, { cause, retryable: true });
}

function remoteOf(socket: Socket): string {
  const host = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
  return formatAddress({ host, port: socket.remotePort ?? 0 });
}
