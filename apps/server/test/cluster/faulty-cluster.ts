import type { NodeStatus } from '@dle/client/protocol';
import { isDleError } from '@dle/common';
import { ProcessCluster, type ServerProcess } from '../../src/testing/index.js';
import { logProblems } from './log-problems.js';
import { type LinkFault, Network } from './network.js';

/** How long a healed cluster may need to serve a write. */
const RECOVERY_LIMIT_MS = 20_000;

export interface FaultyClusterOptions {
  /** More flags of dle-server. */
  readonly flags?: readonly string[];
  /** Where the data goes. Default: a temporary directory, removed at the end. */
  readonly dataDir?: string;
}

/** Three real nodes whose processes and links fail when they are told to, and only then. */
export class FaultyCluster {
  readonly processes: ProcessCluster;
  /** What the nodes have done that they were not told to. */
  readonly problems: string[] = [];
  readonly #network: Network;
  readonly #endpoints: readonly string[];
  /** Told to end. */
  readonly #ending = new Set<ServerProcess>();
  readonly #killAll = (): void => {
    for (const { pid } of this.processes.servers)
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
  };

  /** Starts the nodes and waits until one leads. */
  static async start(options: FaultyClusterOptions = {}): Promise<FaultyCluster> {
    const network = new Network();
    const addresses: string[] = [];
    const front = async (id: number, port: number): Promise<string> => {
      const address = await network.front(id, port);
      addresses[id - 1] = address;
      return address;
    };
    const processes = await ProcessCluster.create({ ...options, front });
    const cluster = new FaultyCluster(processes, network, addresses);
    try {
      for (const id of cluster.ids) cluster.startNode(id);
      await processes.leader();
    } catch (thrown) {
      await cluster.destroy();
      throw thrown;
    }
    return cluster;
  }

  private constructor(processes: ProcessCluster, network: Network, endpoints: readonly string[]) {
    this.processes = processes;
    this.#network = network;
    this.#endpoints = endpoints;
    process.once('exit', this.#killAll);
  }

  get ids(): number[] {
    return this.processes.servers.map(({ options }) => options.id);
  }

  /** As the members know each other, for clients. */
  get endpoints(): readonly string[] {
    return this.#endpoints;
  }

  startNode(id: number): void {
    const server = this.processes.server(id);
    if (server.running) return;
    server.start();
    void server.exited().then((end) => {
      if (!this.#ending.delete(server)) this.problems.push(`node ${id} ended by itself: ${end}`);
    });
  }

  /** Ends the process and waits until it is gone. One that is not running is left alone. */
  async endNode(id: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const server = this.processes.server(id);
    if (!server.running || this.#ending.has(server)) return;
    this.#ending.add(server);
    const end = await server.stop(signal);
    // A node that is still starting has no way yet to take SIGTERM; a SIGKILL may overtake it.
    const expected = [0, signal, 'SIGKILL'].includes(end);
    if (!expected) this.problems.push(`node ${id} ended on ${signal}: ${end}`);
  }

  pauseNode(id: number): void {
    this.processes.server(id).pause();
  }

  resumeNode(id: number): void {
    this.processes.server(id).resume();
  }

  failLinks(faults: readonly LinkFault[]): () => void {
    return this.#network.add(faults);
  }

  /** The node that leads in the highest term, among those that answer. */
  async leader(): Promise<number | undefined> {
    return leaderOf(await this.processes.statuses());
  }

  /**
   * Waits until a write is acknowledged again, once nothing is broken any more. Returns how long
   * that took, in milliseconds.
   */
  async recovered(key: string): Promise<number> {
    const since = performance.now();
    const client = this.processes.client(this.endpoints);
    try {
      for (let tries = 0; ; tries++) {
        const leftMs = RECOVERY_LIMIT_MS - (performance.now() - since);
        try {
          await client.put(key, `${tries}`, { timeoutMs: Math.max(1, leftMs) });
          return performance.now() - since;
        } catch (thrown) {
          if (!isDleError(thrown, 'DLE_OUTCOME_UNKNOWN')) throw thrown;
        }
      }
    } finally {
      await client.close();
    }
  }

  /** All keys and values of one node, as it has applied them. */
  async contents(id: number): Promise<Map<string, Uint8Array>> {
    const { address } = this.processes.server(id);
    const client = this.processes.client([address]);
    try {
      const contents = new Map<string, Uint8Array>();
      for await (const { key, value } of client.dump({ level: 'stale', endpoint: address })) {
        contents.set(Buffer.from(key).toString(), Uint8Array.from(value));
      }
      return contents;
    } finally {
      await client.close();
    }
  }

  /** Ends everything; adds what the logs tell to `problems`. */
  async destroy(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.endNode(id, 'SIGKILL')));
    for (const server of this.processes.servers) this.problems.push(...logProblems(server));
    await this.#network.close();
    await this.processes.destroy();
    process.off('exit', this.#killAll);
  }
}

function leaderOf(statuses: readonly NodeStatus[]): number | undefined {
  const leaders = statuses.filter(({ role }) => role === 'leader');
  return leaders.sort((a, b) => b.term - a.term)[0]?.node;
}
