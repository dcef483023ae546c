import { type Clock, DleError, type Logger } from '@dle/common';
import { type Address, formatAddress } from './address.js';
import { Connection } from './connection.js';
import { FrameKind } from './frame.js';
import type { FrameParser } from './frame-parser.js';
import { readWelcome } from './greeting.js';
import type { Rpc } from './rpc.js';
import { Session } from './session.js';
import type { Socket, Sockets } from './sockets.js';
import type { Control, Hello, RpcHandler } from './types.js';

export interface DialComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sockets: Sockets;
  readonly handlerOf: (rpc: Rpc) => RpcHandler;
}

export interface DialOptions {
  readonly address: Address;
  readonly hello: Hello;
  /** Ends the attempt, which then rejects with the signal's reason: a DleError. */
  readonly signal: AbortSignal;
  readonly keepaliveMs: number;
  readonly maxQueuedBytes: number;
  readonly maxHandlingBytes: number;
}

/**
 * Connects, says hello, waits for the welcome. DLE_CONNECTION_LOST; DLE_HELLO_REFUSED, caused by
 * what the other side said.
 */
export async function dial(components: DialComponents, options: DialOptions): Promise<Session> {
  const socket = await openSocket(components.sockets, options.address, options.signal);
  return new Promise((resolve, reject) => {
    const { clock, logger } = components;
    const { hello, signal, ...limits } = options;
    const address = formatAddress(options.address);
    const giveUp = (): void => connection.fail(signal.reason);
    const connection = new Connection(
      {
        clock,
        logger,
        socket,
        user: {
          frame: (frames) => {
            signal.removeEventListener('abort', giveUp);
            const welcome = welcomeFrom(frames, hello);
            resolve(new Session({ ...components, connection }, { ...limits, hello, welcome }));
          },
          closed: (reason, refusal) => {
            signal.removeEventListener('abort', giveUp);
            reject(refusal === undefined ? reason : refused(address, refusal));
          },
        },
      },
      limits,
    );
    signal.addEventListener('abort', giveUp);
    try {
      connection.send(FrameKind.hello, 0, hello as unknown as Control);
    } catch (error) {
      connection.fail(DleError.from(error));
    }
  });
}

/**
 * `localhost` may mean either family, and asking the resolver costs a thread of the pool that files
 * need.
 */
function hostsOf(host: string): readonly string[] {
  return host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
}

async function openSocket(
  sockets: Sockets,
  address: Address,
  signal: AbortSignal,
): Promise<Socket> {
  let failure: unknown;
  for (const host of hostsOf(address.host)) {
    try {
      return await openSocketTo(sockets, { host, port: address.port }, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      failure ??= error;
    }
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  throw lost(`${formatAddress(address)} cannot be reached: ${reason}`, failure);
}

function openSocketTo(sockets: Sockets, address: Address, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = sockets.connect(address);
    const giveUp = (): void => void socket.destroy(signal.reason);
    const failed = (error: Error): void => {
      signal.removeEventListener('abort', giveUp);
      reject(error);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      signal.removeEventListener('abort', giveUp);
      socket.off('error', failed);
      resolve(socket);
    });
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp);
  });
}

function welcomeFrom(frames: FrameParser, hello: Hello): ReturnType<typeof readWelcome> {
  if (frames.kind !== FrameKind.welcome) {
    throw new DleError('DLE_BAD_FRAME', 'not a frame that has a place here: a welcome comes first');
  }
  const welcome = readWelcome(frames.control());
  const [lowest, highest] = hello.protocol;
  if (welcome.protocol >= lowest && welcome.protocol <= highest) return welcome;
  throw new DleError('DLE_BAD_FRAME', `it chose protocol version ${welcome.protocol}`);
}

function refused(address: string, refusal: DleError): DleError {
  return new DleError(
    'DLE_HELLO_REFUSED',
    `${address} refused the connection: ${refusal.message} (${refusal.code})`,
    { cause: refusal, retryable: true },
  );
}

function lost(message: string, cause: unknown): DleError {
  return new DleError('DLE_CONNECTION_LOST', message, { cause, retryable: true });
}
