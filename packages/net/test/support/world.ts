import { connect, type Socket } from 'node:net';
import { type Clock, DleError, SeededRandom, systemClock } from '@dle/common';
import { onTestFinished } from 'vitest';
import { FrameKind, type FrameKind as Kind } from '../../src/frame.js';
import { FrameParser } from '../../src/frame-parser.js';
import {
  type Acceptor,
  type Control,
  formatAddress,
  type Hello,
  type Rpc,
  type RpcHandler,
  TcpClient,
  type TcpClientOptions,
  TcpServer,
  type TcpServerOptions,
  type Welcome,
} from '../../src/index.js';
import { FaultProxy } from '../../src/testing/index.js';
import { encodeFrame } from './frames.js';
import { RecordingLogger } from './recording-logger.js';

export const CLIENT_HELLO: Hello = { protocol: [1, 1], role: 'client', lane: 'client' };
export const MEMBER_HELLO: Hello = { protocol: [1, 1], role: 'member', lane: 'log', node: 2 };
export const WELCOME: Welcome = { protocol: 1, node: 1, instance: 'i1', cluster: 'c' };

/** Answers with what it was asked. */
const echo: RpcHandler = { request: (control, raw) => ({ control, raw }) };

export interface TestServer {
  readonly server: TcpServer;
  readonly address: string;
  readonly port: number;
  readonly logger: RecordingLogger;
  /** The server's side of every connection, in order. */
  readonly rpcs: Rpc[];
  readonly hellos: Hello[];
}

interface ServerSetup extends Partial<TcpServerOptions> {
  readonly clock?: Clock;
  readonly handler?: RpcHandler;
  readonly hello?: Acceptor['hello'];
}

/** A listening server that is closed when the test ends. */
export async function startServer(setup: ServerSetup = {}): Promise<TestServer> {
  const { clock = systemClock, handler = echo, hello = () => WELCOME, ...options } = setup;
  const logger = new RecordingLogger();
  const rpcs: Rpc[] = [];
  const hellos: Hello[] = [];
  const acceptor: Acceptor = {
    hello: (said, remote) => {
      hellos.push(said);
      return hello(said, remote);
    },
    accepted: (rpc) => {
      rpcs.push(rpc);
      return handler;
    },
  };
  const server = new TcpServer(
    { clock, logger, acceptor },
    { host: '127.0.0.1', port: 0, closeTimeoutMs: 1, ...options },
  );
  const { host, port } = await server.listen();
  onTestFinished(() => server.close());
  return { server, address: formatAddress({ host, port }), port, logger, rpcs, hellos };
}

interface ClientSetup extends Partial<TcpClientOptions> {
  readonly clock?: Clock;
  readonly handler?: RpcHandler;
  readonly seed?: number;
  readonly logger?: RecordingLogger;
}

/** A client that is closed when the test ends. */
export function makeClient(addresses: readonly string[], setup: ClientSetup = {}): TcpClient {
  const {
    clock = systemClock,
    handler,
    seed = 1,
    logger = new RecordingLogger(),
    ...options
  } = setup;
  const client = new TcpClient(
    { clock, random: new SeededRandom(seed), logger, ...(handler && { handler }) },
    { addresses, hello: () => CLIENT_HELLO, backoff: { minMs: 5, maxMs: 20 }, ...options },
  );
  onTestFinished(() => client.close());
  return client;
}

/** Both sides of one connection. */
export async function connectedPair(
  serverSetup: ServerSetup = {},
  clientSetup: ClientSetup = {},
): Promise<TestServer & { readonly client: TcpClient; readonly rpc: Rpc; readonly peer: Rpc }> {
  const server = await startServer(serverSetup);
  const client = makeClient([server.address], clientSetup);
  const rpc = await client.connect();
  return { ...server, client, rpc, peer: server.rpcs[0]! };
}

/** A proxy to `target` that is closed when the test ends. */
export async function startProxy(
  target: string,
  clock: Clock = systemClock,
): Promise<{ readonly proxy: FaultProxy; readonly address: string }> {
  const proxy = new FaultProxy({ clock }, { target });
  const address = await proxy.listen();
  onTestFinished(() => proxy.close());
  return { proxy, address };
}

const openPeers = new Set<RawPeer>();

function closeOpenPeers(): void {
  for (const { socket } of openPeers) socket.destroy();
}

/** A bare socket that says what it likes. */
export class RawPeer {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  /** Kind and control of every frame that came; a response that is no frame ends the test. */
  readonly frames: { readonly kind: Kind; readonly control: Control }[] = [];
  readonly #parser = new FrameParser(64 * 1024 * 1024);

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.#parser.push(chunk);
      while (this.#parser.next()) {
        const { kind, controlLength } = this.#parser;
        this.frames.push({ kind, control: controlLength > 0 ? this.#parser.control() : {} });
      }
    });
    openPeers.add(this);
    this.socket.once('close', () => openPeers.delete(this));
    // It refers to no peer of its own, so that a test of memory can let peers go.
    onTestFinished(closeOpenPeers);
  }

  say(...bytes: readonly Uint8Array[]): this {
    for (const part of bytes) this.socket.write(part);
    return this;
  }

  hello(hello: Hello = CLIENT_HELLO): this {
    return this.say(encodeFrame(FrameKind.hello, 0, hello as unknown as Control));
  }

  /**
   * The control of the first frame of `kind` that has come or comes; polled at the end of each
   * turn.
   */
  async heard(kind: Kind): Promise<Control> {
    return (await until(() => this.frames.find((frame) => frame.kind === kind))).control;
  }
}

/**
 * Waits, turn by turn, for what other sockets and processes bring about; the test's time-out is its
 * limit.
 */
export async function until<T>(condition: () => T | undefined | false): Promise<T> {
  while (true) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The DleError that `promise` rejects with. */
export async function failure(promise: Promise<unknown>): Promise<DleError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof DleError) return error;
  throw error;
}
