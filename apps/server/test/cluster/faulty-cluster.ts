import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MemberStatus, NodeStatus } from '@dle/client/protocol';
import { isDleError } from '@dle/common';
import { ProcessCluster, type ServerProcess } from '../../src/testing/index.js';
import { logProblems } from './log-problems.js';
import { type LinkFault, Network } from './network.js';

/** How long a healed cluster may need to serve a write. */
const RECOVERY_LIMIT_MS = 20_000;
/** How long one try of it may take: what hangs is to be seen more than once. */
const RECOVERY_TRY_MS = 4_000;

export interface FaultyClusterOptions {
  /** More flags of dle-server. */
  readonly flags?: readonly string[];
  /** Where the data goes. Default: a temporary directory, removed at the end. */
  readonly dataDir?: string;
  /** Nodes that are not members from the beginning, and not started. Default 0. */
  readonly spares?: number;
}

/** Three real nodes whose processes and links fail when they are told to, and only then. */
export class FaultyCluster {
  readonly processes: ProcessCluster;
  /** What the nodes have done that they were not told to. */
  readonly problems: string[] = [];
  readonly #network: Network;
  readonly #endpoints: readonly string[];
  /** Who is a member, or may be one. */
  readonly #members = new Set<number>();
  readonly #spares: number[] = [];
  /** Who has been removed, or may have been: it may end when it finds out. */
  readonly #mayEnd = new Set<number>();
  /** Whose disk is gone: not to be started any more. */
  readonly #wiped = new Set<number>();
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
    for (const { options } of processes.servers) cluster.joins(options.id);
    for (let spare = 0; spare < (options.spares ?? 0); spare++) {
      const { server } = await processes.addServer();
      cluster.#spares.push(server.options.id);
    }
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

  /** Of all members, and of nodes that may be some. */
  get ids(): number[] {
    return [...this.#members];
  }

  /** Of all nodes, as members know each other, for clients. */
  get endpoints(): readonly string[] {
    return this.#endpoints;
  }

  /** Where members and clients reach a node. */
  addressOf(id: number): string {
    return this.#endpoints[id - 1]!;
  }

  startNode(id: number): void {
    const server = this.processes.server(id);
    if (server.running || this.#wiped.has(id)) return;
    server.start();
    void server.exited().then((end) => {
      if (this.#ending.delete(server) || this.#mayEnd.has(id)) return;
      this.problems.push(`node ${id} ended by itself: ${end}`);
    });
  }

  /**
   * Starts a node that is to become a member, and waits until it answers; `undefined` where there
   * is none left.
   */
  async startSpare(): Promise<number | undefined> {
    const id = this.#spares.shift();
    if (id === undefined) return undefined;
    this.startNode(id);
    return await this.processes.eventually(`node ${id}, which is new`, async () =>
      (await this.processes.status(id)) === undefined ? undefined : id,
    );
  }

  /** The node may be a member from now on. */
  joins(id: number): void {
    this.#members.add(id);
  }

  /** The node may be none any more from now on. */
  mayLeave(id: number): void {
    this.#mayEnd.add(id);
  }

  /** The node is none any more. */
  left(id: number): void {
    this.#members.delete(id);
  }

  /** Kills the node, and its disk is gone. */
  async wipe(id: number): Promise<void> {
    this.#wiped.add(id);
    this.left(id);
    await this.endNode(id, 'SIGKILL');
    rmSync(join(this.processes.dataDir, `node-${id}`), { recursive: true });
  }

  /**
   * Waits until the leader says who is a member, and everybody else that it is none; ends those,
   * and waits until the members hold the same log.
   */
  async settled(): Promise<void> {
    const members = await this.processes.eventually('settled members', async () => {
      const known = await this.#membersByLeader();
      return (await this.voters()).length === 0 ? undefined : known.map(({ id }) => id);
    });
    for (const { options, running } of this.processes.servers) {
      if (members.includes(options.id)) this.startNode(options.id);
      else if (running) await this.#endOutsider(options.id);
    }
    this.#members.clear();
    for (const id of members) this.joins(id);
    await this.processes.converged();
  }

  async #endOutsider(id: number): Promise<void> {
    const server = this.processes.server(id);
    await this.processes.eventually(`node ${id} to know that it is no member`, async () => {
      const role = server.running ? (await this.processes.status(id))?.role : 'removed';
      return role === 'removed' || role === 'forming' ? true : undefined;
    });
    await this.endNode(id, 'SIGKILL');
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
    const told: string[] = [];
    try {
      while (performance.now() - since < RECOVERY_LIMIT_MS) {
        try {
          await client.put(key, `${told.length}`, { timeoutMs: RECOVERY_TRY_MS });
          return performance.now() - since;
        } catch (thrown) {
          told.push(`after ${(performance.now() - since).toFixed(0)} ms: ${thrown}`);
          if (!isDleError(thrown, 'DLE_OUTCOME_UNKNOWN', 'DLE_TIMEOUT')) break;
        }
      }
      throw new Error(`nothing is written once all is mended:\n${told.join('\n')}`);
    } finally {
      await client.close();
    }
  }

  /** Who votes, as the leader sees it; nobody while there is none, or the voters change. */
  async voters(): Promise<number[]> {
    const members = await this.#membersByLeader();
    if (members.some(({ kind }) => kind === 'joining' || kind === 'leaving')) return [];
    return members.flatMap(({ id, kind }) => (kind === 'voter' ? [id] : []));
  }

  async #membersByLeader(): Promise<readonly MemberStatus[]> {
    const leader = await this.leader();
    const status = leader === undefined ? undefined : await this.processes.status(leader);
    return status?.members ?? [];
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
    const { servers } = this.processes;
    await Promise.all(servers.map(({ options }) => this.endNode(options.id, 'SIGKILL')));
    for (const server of servers) {
      const mayEnd = this.#mayEnd.has(server.options.id);
      this.problems.push(...logProblems(server, mayEnd ? ['DLE_MEMBER_REMOVED'] : []));
    }
    await this.#network.close();
    await this.processes.destroy();
    process.off('exit', this.#killAll);
  }
}

function leaderOf(statuses: readonly NodeStatus[]): number | undefined {
  const leaders = statuses.filter(({ role }) => role === 'leader');
  return leaders.sort((a, b) => b.term - a.term)[0]?.node;
}
