import { type Clock, DleError } from '@dle/common';
import { CompactionJob } from '../compaction/compaction-job.js';
import type {
  CompactionHost,
  CompactionOrder,
  CompactionOutcome,
} from '../compaction/compaction-order.js';
import { buildDirectory } from '../directory/build-directory.js';
import type { DirectoryHeader } from '../directory/directory-format.js';
import type { Listed } from '../directory/sealed-segment.js';
import { NodeVfs } from '../vfs/node-vfs.js';
import type { Vfs } from '../vfs/vfs.js';
import { BackgroundShare } from './background-thread.js';

/** A job that is under way. */
export interface RunningCompaction {
  /** Rejects with what went wrong. */
  readonly done: Promise<CompactionOutcome>;
  /** Has it end at the next opportunity. */
  stop(): void;
}

/**
 * Where the long work of a store is done: in a thread of its own or, where files are no files of
 * the system, or threads are not to be had, here, in slices between turns.
 */
export class Background {
  readonly #vfs: Vfs;
  readonly #clock: Clock;
  readonly #directory: string;
  #thread: BackgroundShare | undefined;

  constructor({ vfs, clock }: { readonly vfs: Vfs; readonly clock: Clock }, directory: string) {
    this.#vfs = vfs;
    this.#clock = clock;
    this.#directory = directory;
    const isBuilt = import.meta.url.endsWith('.js');
    if (isBuilt && vfs instanceof NodeVfs) this.#thread = new BackgroundShare();
  }

  /** Makes a key directory. Rejects with `DLE_CORRUPT`, `DLE_DISK_FULL`, `DLE_IO`. */
  async build(segment: Listed): Promise<DirectoryHeader> {
    if (this.#thread !== undefined) {
      try {
        return await this.#thread.build(this.#directory, segment);
      } catch (thrown) {
        this.#giveUpThread(thrown);
      }
    }
    return buildDirectory(this.#vfs, this.#directory, segment, this.pause);
  }

  compact(order: CompactionOrder, host: Omit<CompactionHost, 'stopped'>): RunningCompaction {
    const control = { stopped: false };
    if (this.#thread === undefined) return this.#compactHere(order, host, control);
    const remote = this.#thread.compact(order, { ...host, stopped: false });
    const done = remote.done.catch((thrown: unknown) => {
      this.#giveUpThread(thrown);
      // Whatever it had finished stays; the next job is done here.
      return { complete: false, dropped: 0, bytesRead: 0, bytesWritten: 0 };
    });
    return { done, stop: remote.stop };
  }

  /** Keeps the process alive until `work`, which waits for this, has settled. */
  async hold(work: Promise<unknown>): Promise<void> {
    if (this.#thread === undefined) await work;
    else await this.#thread.hold(work);
  }

  async close(): Promise<void> {
    await this.#thread?.close();
  }

  /** Lets others have the thread for a moment. */
  readonly pause = (): Promise<void> => new Promise((resolve) => this.#clock.defer(resolve));

  #compactHere(
    order: CompactionOrder,
    host: Omit<CompactionHost, 'stopped'>,
    control: { stopped: boolean },
  ): RunningCompaction {
    const local: CompactionHost = {
      areLive: (candidates) => host.areLive(candidates),
      begin: () => host.begin(),
      finished: (output) => host.finished(output),
      progress: (bytes) => host.progress(bytes),
      get stopped() {
        return control.stopped;
      },
    };
    const components = { vfs: this.#vfs, clock: this.#clock, host: local };
    const stop = (): void => {
      control.stopped = true;
    };
    return { done: new CompactionJob(components, order).run(), stop };
  }

  /** Throws what is not the fault of the thread itself. */
  #giveUpThread(thrown: unknown): void {
    if (!(thrown instanceof DleError) || thrown.code !== 'DLE_INTERNAL') throw thrown;
    this.#thread = undefined;
  }
}
