import { silentLogger, systemClock } from '@dle/common';
import { type Answer, type Rpc, TcpServer } from '@dle/net';
import type { NodeStatus } from '../../src/index.js';
import { type ClientRequest, parseRequest } from '../../src/protocol/index.js';
import { exampleStatus } from './example-status.js';
import { MemoryStore } from './memory-store.js';

/** How a node answers one request; `undefined`: as it always does. */
export type Behaviour = (request: ClientRequest, rpc: Rpc) => Answer | Promise<Answer> | undefined;

export interface TestNodeOptions {
  readonly node?: number;
  readonly store?: MemoryStore;
  /** 0 takes a free one. */
  readonly port?: number;
}

/** A real server on a real port, with a map behind it, that does what a test tells it to. */
export class TestNode {
  readonly node: number;
  readonly store: MemoryStore;
  /** Every request that came, but for status. */
  readonly requests: ClientRequest[] = [];
  connections = 0;
  /** Where it says the leader is; `undefined`: it leads. */
  leader: string | undefined;
  /** What is different in its status. */
  statusOverrides: Partial<NodeStatus> = {};
  /** Asked before each answer but that to status. */
  behaviour: Behaviour = () => undefined;
  #server: TcpServer;
  #address = '';

  private constructor({ node = 1, store = new MemoryStore(), port = 0 }: TestNodeOptions) {
    this.node = node;
    this.store = store;
    this.#server = this.#newServer(port);
  }

  static async start(options: TestNodeOptions = {}): Promise<TestNode> {
    const node = new TestNode(options);
    await node.#listen();
    return node;
  }

  get address(): string {
    return this.#address;
  }

  /** What was asked of it, as `op key` each. */
  get asked(): string[] {
    return this.requests.map((request) =>
      'key' in request ? `${request.op} ${Buffer.from(request.key)}` : request.op,
    );
  }

  /** Behaves like this for the next request, then as before. */
  once(behaviour: Behaviour): void {
    const before = this.behaviour;
    this.behaviour = (request, rpc) => {
      this.behaviour = before;
      return behaviour(request, rpc);
    };
  }

  stop(): Promise<void> {
    return this.#server.close();
  }

  /** After `stop`: on the same port, with what it had. */
  async restart(): Promise<void> {
    this.#server = this.#newServer(Number(this.#address.split(':')[1]));
    await this.#listen();
  }

  status(): NodeStatus {
    const { address } = this;
    const members = [{ id: this.node, instance: `i${this.node}`, address }];
    const overrides = { node: this.node, instance: `i${this.node}`, address, members };
    return exampleStatus({ ...overrides, leader: this.node, ...this.statusOverrides });
  }

  async #listen(): Promise<void> {
    const { host, port } = await this.#server.listen();
    this.#address = `${host}:${port}`;
  }

  #newServer(port: number): TcpServer {
    const welcome = { protocol: 1, node: this.node, instance: `i${this.node}` };
    const accepted = () => {
      this.connections++;
      return {
        request: (control: unknown, raw: Uint8Array, rpc: Rpc) => this.#answer(control, raw, rpc),
      };
    };
    return new TcpServer(
      {
        clock: systemClock,
        logger: silentLogger,
        acceptor: { hello: () => welcome, accepted },
      },
      { host: '127.0.0.1', port, closeTimeoutMs: 1 },
    );
  }

  #answer(control: unknown, raw: Uint8Array, rpc: Rpc): Answer | Promise<Answer> {
    const request = parseRequest(control, raw);
    if (request.op === 'status') return { control: { ...this.status() } };
    this.requests.push(request);
    return this.behaviour(request, rpc) ?? this.store.answer(request, this.leader);
  }
}

/** Never answers. */
export const silence: Behaviour = () => new Promise(() => {});
