import { type Clock, DleError, EMPTY_BYTES, type Logger } from '@dle/common';
import type { Connection } from './connection.js';
import { FrameKind } from './frame.js';
import type { FrameParser } from './frame-parser.js';
import { Later } from './later.js';
import { MAX_CLIENT_BODY_BYTES, MAX_MEMBER_BODY_BYTES } from './limits.js';
import { aborted, checkTimeout, PendingRequests } from './pending-requests.js';
import { type RequestOptions, Rpc } from './rpc.js';
import type { Answer, Control, Hello, RawParts, RpcHandler, Waiter, Welcome } from './types.js';
import { errorControl, errorFrom } from './wire-error.js';

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * What a request costs while it is handled, beside its bytes: a promise, closures, a place in
 * somebody's queue.
 */
const REQUEST_OVERHEAD_BYTES = 512;

export interface SessionComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly connection: Connection;
  /** Asked once, before anything is handled. */
  readonly handlerOf: (rpc: Rpc) => RpcHandler;
}

export interface SessionOptions {
  readonly hello: Hello;
  readonly welcome: Welcome;
  readonly maxQueuedBytes: number;
  readonly maxHandlingBytes: number;
}

/** Requests, responses and messages on one welcomed connection: what is behind an Rpc. */
export class Session {
  readonly rpc: Rpc;
  readonly hello: Hello;
  readonly welcome: Welcome;
  /** Resolves, to the reason, when the connection is gone. */
  readonly gone: Promise<DleError>;
  readonly #logger: Logger;
  readonly #connection: Connection;
  #handler: RpcHandler = {};
  readonly #pending: PendingRequests;
  readonly #maxAnswerBytes: number;
  readonly #maxHandlingBytes: number;
  #setGone: (reason: DleError) => void = () => {};
  #handlingBytes = 0;
  #draining: (() => void) | undefined;

  constructor(components: SessionComponents, options: SessionOptions) {
    const { connection, clock } = components;
    this.hello = options.hello;
    this.welcome = options.welcome;
    this.#logger = components.logger;
    this.#connection = connection;
    this.#pending = new PendingRequests({ clock });
    // Half of the queue: reading stops well before an answer finds no room.
    this.#maxAnswerBytes = options.maxQueuedBytes / 2;
    this.#maxHandlingBytes = options.maxHandlingBytes;
    this.gone = new Promise((resolve) => {
      this.#setGone = resolve;
    });
    this.rpc = new Rpc(this);
    connection.welcome(
      {
        frame: (frames) => this.#frame(frames),
        progress: () => this.#regulate(),
        closed: (reason, refusal) => this.#closed(reason, refusal),
      },
      options.hello.role === 'member' ? MAX_MEMBER_BODY_BYTES : MAX_CLIENT_BODY_BYTES,
    );
    this.#handler = components.handlerOf(this.rpc);
  }

  get remote(): string {
    return this.#connection.remote;
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  get closedReason(): DleError | undefined {
    return this.#connection.closedReason;
  }

  ask(
    control: Control,
    raw: RawParts | undefined,
    waiter: Waiter,
    { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: RequestOptions,
  ): void {
    try {
      checkTimeout(timeoutMs);
      if (signal?.aborted) throw aborted(signal, 'none');
      const id = this.#pending.nextId();
      const frame = this.#connection.send(FrameKind.request, id, control, raw);
      this.#pending.wait(id, waiter, { frame, timeoutMs, signal });
    } catch (thrown) {
      waiter.fail(DleError.from(thrown));
    }
  }

  send(control: Control, raw?: RawParts): void {
    this.#connection.send(FrameKind.message, 0, control, raw);
  }

  flush(): void {
    this.#connection.flush();
  }

  close(reason?: DleError): void {
    const closed = reason ?? new DleError('DLE_CLOSED', 'the connection was closed by this side');
    this.#connection.close(closed, reason);
  }

  /**
   * Takes no more requests; resolves when all that were taken are answered and the answers have
   * left.
   */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#draining = resolve;
      if (this.closedReason === undefined) this.#regulate();
      else resolve();
    });
  }

  #frame(frames: FrameParser): void {
    switch (frames.kind) {
      case FrameKind.request:
        this.#serve(frames.id, frames.control(), frames.raw(), frames.frameBytes);
        break;
      case FrameKind.response:
        this.#settle(frames);
        break;
      case FrameKind.message:
        this.#hear(frames.control(), frames.raw());
        break;
      default:
        throw new DleError('DLE_BAD_FRAME', 'not a frame that has a place here: a second greeting');
    }
  }

  #settle(frames: FrameParser): void {
    // The response to a request that was given up is not worth decoding.
    if (!this.#pending.has(frames.id)) return;
    const control = frames.control();
    if (control.error === undefined) {
      this.#pending.succeed(frames.id, { control, raw: frames.raw() });
    } else {
      this.#pending.fail(frames.id, errorFrom(control.error));
    }
  }

  #hear(control: Control, raw: Uint8Array): void {
    try {
      this.#handler.message?.(control, raw, this.rpc);
    } catch (error) {
      this.#logger.error({ remote: this.remote, err: error }, 'a message could not be handled');
    }
  }

  #serve(id: number, control: Control, raw: Uint8Array, frameBytes: number): void {
    const bytes = frameBytes + REQUEST_OVERHEAD_BYTES;
    this.#handlingBytes += bytes;
    let answer: Answer | Later | Promise<Answer>;
    try {
      if (this.#handler.request === undefined) {
        throw new DleError('DLE_INVALID_ARGUMENT', 'this side answers no requests');
      }
      answer = this.#handler.request(control, raw, this.rpc);
    } catch (error) {
      this.#answerError(id, error, bytes);
      return;
    }
    if (answer instanceof Later) {
      answer.onSettled((error, settled) => {
        if (settled === undefined) this.#answerError(id, error, bytes);
        else this.#answer(id, settled, bytes);
      });
      this.#regulate();
    } else if (isPromise(answer)) {
      answer.then(
        (settled) => this.#answer(id, settled, bytes),
        (error: unknown) => this.#answerError(id, error, bytes),
      );
      this.#regulate();
    } else {
      this.#answer(id, answer, bytes);
    }
  }

  #answer(id: number, answer: Answer, bytes: number): void {
    try {
      this.#respond(id, answer.control, answer.raw);
    } catch (error) {
      // The answer is too large, or there is no room for it: the request has been carried out all
      // the same.
      const { code, message, retryable } = DleError.from(error);
      this.#answerError(id, new DleError(code, message, { retryable, effect: 'unknown' }), bytes);
      return;
    }
    this.#handled(bytes);
  }

  #answerError(id: number, thrown: unknown, bytes: number): void {
    if (!(thrown instanceof DleError)) {
      this.#logger.error({ remote: this.remote, err: thrown }, 'a request could not be handled');
    }
    const error = DleError.from(thrown, 'DLE_INTERNAL', { effect: 'unknown' });
    this.#respond(id, errorControl(error), EMPTY_BYTES);
    this.#handled(bytes);
  }

  #respond(id: number, control: Control, raw: RawParts | undefined): void {
    if (this.closedReason !== undefined) return;
    this.#connection.send(FrameKind.response, id, control, raw);
  }

  #handled(bytes: number): void {
    this.#handlingBytes -= bytes;
    this.#regulate();
  }

  /**
   * Reads only while there is room for what that may bring: requests to handle, answers to send.
   */
  #regulate(): void {
    const busy = this.#handlingBytes > this.#maxHandlingBytes;
    const full = this.#connection.bufferedAnswerBytes > this.#maxAnswerBytes;
    const draining = this.#draining !== undefined;
    this.#connection.setReading(!busy && !full && !draining, busy || draining);
    if (this.#handlingBytes === 0 && this.bufferedBytes === 0) this.#draining?.();
  }

  #closed(reason: DleError, refusal: DleError | undefined): void {
    // Somebody who closes in good order says DLE_CLOSED; anything else should be looked at.
    const expected = refusal === undefined || refusal.code === 'DLE_CLOSED';
    this.#logger[expected ? 'debug' : 'warn']({ remote: this.remote }, reason.message);
    this.#pending.failAll(reason, this.#connection.handedOver);
    this.#draining?.();
    this.#setGone(reason);
    try {
      this.#handler.closed?.(this.rpc, reason);
    } catch (error) {
      this.#logger.error(
        { remote: this.remote, err: error },
        'the end of a connection was not taken',
      );
    }
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown }).then === 'function';
}
