import { type Clock, DleError, type Logger } from '@dle/common';
import { Connection } from './connection.js';
import { FrameKind } from './frame.js';
import type { FrameParser } from './frame-parser.js';
import { checkProtocol, readHello } from './greeting.js';
import { Session } from './session.js';
import type { Socket } from './sockets.js';
import type { Acceptor, Control } from './types.js';

export interface ReceptionComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly acceptor: Acceptor;
  readonly socket: Socket;
}

export interface ReceptionOptions {
  readonly helloTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly maxQueuedBytes: number;
  readonly maxHandlingBytes: number;
}

/** One accepted connection: a stranger at first, who has to say hello in time, then a session. */
export class Reception {
  /** Set once the hello has been accepted. */
  session: Session | undefined;
  readonly #acceptor: Acceptor;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: ReceptionOptions;
  readonly #socket: Socket;
  readonly #connection: Connection;
  readonly #cancelTimeout: () => void;

  constructor(components: ReceptionComponents, options: ReceptionOptions) {
    const { clock, logger, socket } = components;
    this.#acceptor = components.acceptor;
    this.#clock = clock;
    this.#logger = logger;
    this.#options = options;
    this.#socket = socket;
    this.#connection = new Connection(
      {
        clock,
        logger,
        socket,
        user: {
          frame: (frames) => this.#greet(frames),
          closed: (reason) => this.#left(reason),
        },
      },
      options,
    );
    this.#cancelTimeout = clock.setTimer(() => this.#timedOut(), options.helloTimeoutMs);
  }

  /** Closes the connection, and tells the other side why. */
  close(reason: DleError): void {
    this.#connection.close(reason, reason);
  }

  /** The same, for something the other side has done: it goes to the log as a warning. */
  refuse(reason: DleError): void {
    this.#connection.refuse(reason);
  }

  /** Resolves when the socket is gone, and everything that listened to it. */
  gone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) resolve();
      else this.#socket.once('close', () => resolve());
    });
  }

  #greet(frames: FrameParser): void {
    if (frames.kind !== FrameKind.hello) {
      throw new DleError('DLE_BAD_FRAME', 'not a frame that has a place here: a hello comes first');
    }
    const connection = this.#connection;
    const hello = readHello(frames.control());
    checkProtocol(hello);
    const welcome = this.#acceptor.hello(hello, connection.remote);
    this.#cancelTimeout();
    connection.send(FrameKind.welcome, 0, welcome as unknown as Control);
    const { maxQueuedBytes, maxHandlingBytes } = this.#options;
    this.session = new Session(
      {
        clock: this.#clock,
        logger: this.#logger,
        connection,
        handlerOf: (rpc) => this.#acceptor.accepted(rpc),
      },
      { hello, welcome, maxQueuedBytes, maxHandlingBytes },
    );
  }

  #timedOut(): void {
    const { helloTimeoutMs } = this.#options;
    this.refuse(new DleError('DLE_TIMEOUT', `it said no hello within ${helloTimeoutMs} ms`));
  }

  #left(reason: DleError): void {
    this.#cancelTimeout();
    this.#logger.debug({ remote: this.#connection.remote }, `no hello: ${reason.message}`);
  }
}
