import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { freePorts } from '@dle/server/testing';
import { Etcd3 } from 'etcd3';

const NODES = 3;
const PROGRAM = 'etcd';
const POLL_MS = 50;
const START_MS = 20_000;

/** Three `etcd` processes with their default options, where this machine has etcd, and a client. */
export class EtcdCluster {
  readonly #directory: string;
  readonly #processes: ChildProcess[] = [];
  #client: Etcd3 | undefined;

  /** Whether there is an `etcd` to be run. */
  static get isInstalled(): boolean {
    const path = (process.env.PATH ?? '').split(delimiter);
    return path.some((directory) => existsSync(join(directory, PROGRAM)));
  }

  /** They keep what they are sent in `directory`. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Resolves when they have a leader. */
  async start(): Promise<void> {
    const ports = await freePorts(2 * NODES);
    const nodes = Array.from({ length: NODES }, (_, at) => ({
      name: `etcd-${at}`,
      client: `http://127.0.0.1:${ports[2 * at]}`,
      peer: `http://127.0.0.1:${ports[2 * at + 1]}`,
    }));
    const initialCluster = nodes.map(({ name, peer }) => `${name}=${peer}`).join();
    for (const { name, client, peer } of nodes) {
      const flags = {
        name: name,
        'data-dir': join(this.#directory, name),
        'listen-client-urls': client,
        'advertise-client-urls': client,
        'listen-peer-urls': peer,
        'initial-advertise-peer-urls': peer,
        'initial-cluster': initialCluster,
      };
      const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
      this.#processes.push(spawn(PROGRAM, words, { stdio: 'ignore' }));
    }
    this.#client = new Etcd3({ hosts: nodes.map(({ client }) => client) });
    await this.#answers();
  }

  /** Resolves when a majority has flushed it. */
  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#client!.put(Buffer.from(key)).value(Buffer.from(value));
  }

  /** Linearizable, as is its default. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return (await this.#client!.get(Buffer.from(key)).buffer()) ?? undefined;
  }

  /** Kills them; resolves when they are gone. */
  async stop(): Promise<void> {
    this.#client?.close();
    await Promise.all(
      this.#processes.map((child) => {
        if (child.exitCode !== null || child.signalCode !== null) return undefined;
        const gone = new Promise((resolve) => child.once('close', resolve));
        child.kill('SIGKILL');
        return gone;
      }),
    );
  }

  async #answers(): Promise<void> {
    const deadline = performance.now() + START_MS;
    for (;;) {
      try {
        await this.get(new Uint8Array([0]));
        return;
      } catch (thrown) {
        if (performance.now() > deadline)
          throw new Error('etcd has not started', { cause: thrown });
        await setTimeout(POLL_MS);
      }
    }
  }
}
