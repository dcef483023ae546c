import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@dle/client';
import type { NodeStatus } from '@dle/client/protocol';
import { DleError, randomBelow, systemRandom } from '@dle/common';
import { ServerProcess } from './server-process.js';

export interface ProcessClusterOptions {
  /** Default 3. */
  readonly nodes?: number;
  /** Default: a new temporary directory, removed by `destroy`. */
  readonly dataDir?: string;
  /** More flags of dle-server, for every node. */
  readonly flags?: readonly string[];
  /**
   * Puts something in front of a node; resolves to the address under which the others are to reach
   * it.
   */
  readonly front?: (id: number, port: number) => Promise<string>;
}

/** How often a condition of real processes is looked at again. */
const POLL_MS = 25;
const LOWEST_PORT = 10_000;
const HIGHEST_PORT = 31_999;

/**
 * A cluster of real `dle-server` processes on free ports of 127.0.0.1, for tests and benchmarks.
 */
export class ProcessCluster {
  readonly dataDir: string;
  readonly servers: ServerProcess[];
  readonly #temporary: boolean;
  readonly #options: ProcessClusterOptions;

  static async create(options: ProcessClusterOptions = {}): Promise<ProcessCluster> {
    const { nodes = 3, flags = [], front } = options;
    const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'dle-cluster-'));
    const ports = await freePorts(nodes);
    const addresses = await Promise.all(
      ports.map((port, position) => front?.(position + 1, port) ?? `127.0.0.1:${port}`),
    );
    const servers = ports.map((port, position) => {
      const address = addresses[position]!;
      const peers = addresses.filter((other) => other !== address);
      return newServer(dataDir, { id: position + 1, port, address, peers, flags });
    });
    return new ProcessCluster(dataDir, servers, options);
  }

  private constructor(dataDir: string, servers: ServerProcess[], options: ProcessClusterOptions) {
    this.dataDir = dataDir;
    this.servers = servers;
    this.#temporary = options.dataDir === undefined;
    this.#options = options;
  }

  /**
   * One more node under the next id, not started yet; when it is, it waits to be added to the
   * cluster. `advertised` is where the others reach it.
   */
  async addServer(): Promise<{ server: ServerProcess; advertised: string }> {
    const { flags = [], front } = this.#options;
    const [port] = (await freePorts(1)) as [number];
    const id = this.servers.length + 1;
    const address = (await front?.(id, port)) ?? `127.0.0.1:${port}`;
    const options = { id, port, address, peers: [], flags: ['--join', ...flags] };
    const server = newServer(this.dataDir, options);
    this.servers.push(server);
    return { server, advertised: address };
  }

  get endpoints(): string[] {
    return this.servers.map((server) => server.address);
  }

  server(id: number): ServerProcess {
    const found = this.servers[id - 1];
    if (found === undefined) throw new Error(`the cluster has no node ${id}`);
    return found;
  }

  startAll(): void {
    for (const server of this.servers) server.start();
  }

  async stopAll(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop(signal)));
  }

  /** A client of the whole cluster; the caller closes it. */
  client(endpoints: readonly string[] = this.endpoints): Client {
    return new Client({}, { endpoints });
  }

  /** What a node says of itself; `undefined` if it does not answer. */
  async status(id: number): Promise<NodeStatus | undefined> {
    const server = this.server(id);
    const client = this.client([server.address]);
    try {
      return await client.status(server.address, { timeoutMs: 1_000 });
    } catch (thrown) {
      if (thrown instanceof DleError) return undefined;
      throw thrown;
    } finally {
      await client.close();
    }
  }

  /** Waits until a node leads. Returns its id. */
  async leader(timeoutMs = 20_000): Promise<number> {
    return await this.eventually(
      'a leader',
      async () => {
        const all = await this.statuses();
        return all.find((status) => status.role === 'leader')?.node;
      },
      timeoutMs,
    );
  }

  /** Of all nodes that run and answer. */
  async statuses(): Promise<NodeStatus[]> {
    const running = this.servers.filter((server) => server.running);
    const all = await Promise.all(running.map((server) => this.status(server.options.id)));
    return all.filter((status) => status !== undefined);
  }

  /** Waits until all running nodes take part, and have applied the same index. */
  async converged(timeoutMs = 30_000): Promise<void> {
    await this.eventually(
      'equal applied indexes',
      async () => {
        const all = await this.statuses();
        const running = this.servers.filter((server) => server.running).length;
        const applied = new Set(all.map((status) => status.applied));
        const idle = all.every(({ applied, lastIndex, members }) => {
          return applied === lastIndex && members.length > 0;
        });
        return all.length === running && applied.size === 1 && idle ? true : undefined;
      },
      timeoutMs,
    );
  }

  /**
   * Looks again and again until `look` finds something; fails with the nodes' logs after
   * `timeoutMs`.
   */
  async eventually<T>(
    what: string,
    look: () => Promise<T | undefined>,
    timeoutMs = 20_000,
  ): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > deadline) {
        const logs = this.servers.map((server) => server.log().slice(-2_000)).join('\n---\n');
        throw new Error(`waited ${timeoutMs} ms in vain for ${what}; the logs end:\n${logs}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Kills what runs and removes a temporary directory. */
  async destroy(): Promise<void> {
    await this.stopAll('SIGKILL');
    if (this.#temporary) rmSync(this.dataDir, { recursive: true, force: true });
  }
}

function newServer(
  dataDir: string,
  options: {
    readonly id: number;
    readonly port: number;
    readonly address: string;
    readonly peers: readonly string[];
    readonly flags: readonly string[];
  },
): ServerProcess {
  const { id, port, address, peers, flags } = options;
  const logFile = join(dataDir, `node-${id}.log`);
  return new ServerProcess({
    id,
    port,
    peers,
    dataDir,
    logFile,
    flags: ['--advertise', address, ...flags],
  });
}

/**
 * Ports that were free a moment ago, all different. Not from where operating systems take those of
 * outgoing connections: such a connection could have the port of a node that is down for a while,
 * or two clusters one port.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = LOWEST_PORT + randomBelow(systemRandom, HIGHEST_PORT - LOWEST_PORT + 1);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  const holder = createServer();
  return new Promise((resolve) => {
    holder.once('error', () => resolve(false));
    holder.listen(port, '127.0.0.1', () => holder.close(() => resolve(true)));
  });
}
