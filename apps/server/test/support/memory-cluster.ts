import { Client } from '@dle/client';
import type { Clock } from '@dle/common';
import { createNode, type DleNode, type NodeOptions } from '../../src/index.js';
import type { Consensus } from '../../src/replica/participation.js';
import { freePorts } from '../../src/testing/index.js';
import { diskOf } from './disk.js';

/** Between two looks, in milliseconds. */
const POLL_MS = 20;
const PATIENCE_MS = 20_000;

/** Looks again and again until `look` finds something. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A cluster in this process, whose disks are in memory, and can be meddled with. */
export class MemoryCluster {
  readonly disks: readonly ReturnType<typeof diskOf>[];
  readonly addresses: readonly string[];
  /** `undefined`: it is closed. By id, less one. */
  readonly nodes: (DleNode | undefined)[] = [];
  readonly client: Client;
  readonly #options: NodeOptions;

  /** All nodes run, and one leads. */
  static async start(
    size: number,
    options: NodeOptions = {},
    clock?: Clock,
  ): Promise<MemoryCluster> {
    const cluster = new MemoryCluster(await freePorts(size), options);
    await Promise.all(cluster.disks.map((_, at) => cluster.startNode(at + 1, clock)));
    await cluster.leader();
    return cluster;
  }

  private constructor(ports: readonly number[], options: NodeOptions) {
    this.#options = options;
    this.addresses = ports.map((port) => `127.0.0.1:${port}`);
    this.disks = ports.map((_, at) => diskOf(at + 1));
    this.client = new Client({}, { endpoints: this.addresses });
  }

  async startNode(id: number, clock?: Clock): Promise<DleNode> {
    const address = this.addresses[id - 1]!;
    const peers = this.addresses.filter((other) => other !== address);
    const [host, port] = address.split(':');
    const options = { ...this.#options, id, host: host!, port: Number(port), peers };
    const components = { ...this.disks[id - 1]!, ...(clock !== undefined && { clock }) };
    const node = await createNode({ dataDir: '/data', ...options }, components);
    this.nodes[id - 1] = node;
    return node;
  }

  async stopNode(id: number): Promise<void> {
    await this.nodes[id - 1]?.close();
    this.nodes[id - 1] = undefined;
  }

  /** A client that asks node `id` alone; the caller closes it. */
  clientOf(id: number): Client {
    return new Client({}, { endpoints: [this.addresses[id - 1]!] });
  }

  node(id: number): DleNode {
    return this.nodes[id - 1]!;
  }

  /** Id of the node that leads, when there is one. */
  leader(): Promise<number> {
    return eventually('a leader', () => {
      return this.nodes.find((node) => node?.status().role === 'leader')?.status().node;
    });
  }

  /** Until all that run have applied the same. */
  async converged(): Promise<void> {
    await eventually('equal nodes', () => {
      const all = this.nodes.filter((node) => node !== undefined).map((node) => node.status());
      const isIdle = all.every(({ applied, lastIndex }) => applied === lastIndex);
      return isIdle && new Set(all.map(({ applied }) => applied)).size === 1 ? true : undefined;
    });
  }

  /**
   * Has a flush of the log of node `id` fail; one of what it keeps beside that may come before.
   * Returns the consensus that has ended for it.
   */
  async failLog(id: number): Promise<Consensus> {
    const consensus = this.node(id).internals.consensus!;
    const { vfs } = this.disks[id - 1]!;
    let failures: number | undefined;
    await eventually('a log that fails', async () => {
      if (vfs.failures.length !== failures) vfs.plan({ failFlush: 1 });
      failures = vfs.failures.length;
      // Where the leader's own disk fails, nobody knows what has become of it.
      await this.client.put('failing', 'it', { timeoutMs: 1_000 }).catch(() => undefined);
      return consensus.raft.stopped !== undefined || undefined;
    });
    return consensus;
  }

  /** Flips a bit of the value `text` wherever node `id` keeps it. */
  damage(id: number, text: string): void {
    const { vfs } = this.disks[id - 1]!;
    for (const path of vfs.paths.filter((one) => one.endsWith('.segment'))) {
      const at = Buffer.from(vfs.contentOf(path)).indexOf(text);
      if (at >= 0) vfs.flipBit(path, at + 1, 1);
    }
  }

  /** Files that node `id` has set aside as damaged. */
  setAside(id: number): string[] {
    return this.disks[id - 1]!.vfs.paths.filter((path) => path.includes('/damaged/'));
  }

  async close(): Promise<void> {
    await this.client.close();
    await Promise.all(this.nodes.map((node) => node?.close()));
  }
}
