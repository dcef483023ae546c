import { join } from 'node:path';
import { BareProcess } from './bare-process.js';
import { GET, PUT } from './probe-frames.js';

const PROCESSES = 3;
const MAJORITY = 2;

interface Pending {
  acknowledgements: number;
  readonly enough: number;
  readonly expected: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The limit for a cluster of three on this machine: as many processes, and as many bytes to the
 * disk of each, but no consensus. A put goes to all three, and is done when two have flushed it.
 */
export class Probe {
  readonly #processes: readonly BareProcess[];
  readonly #pending = new Map<number, Pending>();
  readonly #failed: Promise<never>;
  #lastId = 0;
  #failure: Error | undefined;
  #rejectFailed: (error: Error) => void = () => {};

  /** Starts the processes; they keep what they are sent in `directory`. */
  constructor(directory: string) {
    this.#failed = new Promise((_, reject) => {
      this.#rejectFailed = reject;
    });
    // Only those who wait for it are told.
    this.#failed.catch(() => {});
    this.#processes = Array.from(
      { length: PROCESSES },
      (_, at) => new BareProcess(join(directory, `probe-${at}`), (error) => this.#fail(error)),
    );
  }

  async connect(): Promise<void> {
    const onReply = (id: number) => this.#count(id);
    const all = Promise.all(this.#processes.map((bare) => bare.connect(onReply)));
    await Promise.race([all, this.#failed]);
  }

  /** Resolves when a majority has flushed `payload`. */
  put(payload: Uint8Array): Promise<void> {
    return this.#request(PUT, payload, this.#processes, MAJORITY);
  }

  /** Resolves when the first process has answered with a value. */
  get(key: Uint8Array): Promise<void> {
    return this.#request(GET, key, this.#processes.slice(0, 1), 1);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((bare) => bare.stop()));
  }

  #request(
    kind: number,
    payload: Uint8Array,
    processes: readonly BareProcess[],
    enough: number,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const id = ++this.#lastId;
      const expected = processes.length;
      this.#pending.set(id, { acknowledgements: 0, enough, expected, resolve, reject });
      for (const bare of processes) bare.send(kind, id, payload);
    });
  }

  #count(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.acknowledgements++;
    if (pending.acknowledgements === pending.enough) pending.resolve();
    if (pending.acknowledgements === pending.expected) this.#pending.delete(id);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#rejectFailed(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
