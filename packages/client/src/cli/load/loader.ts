import { setTimeout as sleep } from 'node:timers/promises';
import { DleError } from '@dle/common';
import type { CallOptions } from '../../client.js';
import type { Pair } from '../../protocol/index.js';

/** What a Loader needs of a Client. */
export interface PutClient {
  put(key: Uint8Array, value: Uint8Array, options: CallOptions): Promise<unknown>;
}

export interface LoaderOptions {
  /** Most puts under way at once. */
  readonly concurrency: number;
  /** How long not one record may be stored before the load ends, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** Aborts to have no more puts begun. */
  readonly asked: AbortSignal;
  /** Aborts to have those under way given up. */
  readonly insisted: AbortSignal;
}

/**
 * Bytes of keys and values under way at once, whatever the concurrency; a larger record goes alone.
 */
const MAX_BYTES_UNDER_WAY = 16 * 1024 * 1024;

/**
 * Longest that one put may try, in milliseconds, before the load looks whether it still gets
 * anywhere.
 */
const PUT_TIMEOUT_MS = 10_000;

/**
 * Between two puts of one record, in milliseconds: a node that fails at once is not to be hammered.
 */
const PAUSE_MS = 100;

/**
 * Stores records, many at once, at most one per key: so a later line wins over an earlier one.
 *
 * A put whose outcome is unknown is put again. A client must not do that, because its second put
 * could undo what somebody else wrote after the first; the load may, because it says of these keys
 * that they are its own: the same bytes twice are the same as once, and no other record of the file
 * with that key is begun before. (What remains until puts belong to sessions: a first put that was
 * held up somewhere, and arrives after a later line with the same key was stored.)
 */
export class Loader {
  readonly #client: PutClient;
  readonly #options: LoaderOptions;
  /** Keys whose put is under way. */
  readonly #underWay = new Set<string>();
  #bytesUnderWay = 0;
  /** Wakes the one who waits for a put to end. */
  #wake: () => void = () => {};
  #progressAt = performance.now();
  #failure: DleError | undefined;
  #failedLine = Number.POSITIVE_INFINITY;
  #begunLine = 0;

  /** Records known to be stored. */
  stored = 0;
  /** Records that failed, though an attempt at them may have been stored. */
  unsure = 0;

  constructor(client: PutClient, options: LoaderOptions) {
    this.#client = client;
    this.#options = options;
    options.asked.addEventListener('abort', () => this.#wake());
  }

  /** What made a record fail, the first one that did. */
  get failure(): DleError | undefined {
    return this.#failure;
  }

  /** Every record on a line before this one is stored, once nothing is under way. */
  get storedBeforeLine(): number {
    return Math.min(this.#failedLine, this.#begunLine + 1);
  }

  /**
   * Begins to store the record on `line`, as soon as there is room. Rejects with what made an
   * earlier record fail, or with DLE_ABORTED.
   */
  async add(pair: Pair, line: number): Promise<void> {
    const id = Buffer.from(pair.key).toString('latin1');
    const bytes = pair.key.length + pair.value.length;
    while (this.#mayGoOn() && this.#isFull(id, bytes)) await this.#anyEnd();
    if (this.#failure !== undefined) throw this.#failure;
    this.#options.asked.throwIfAborted();
    if (this.#underWay.size === 0) this.#progressAt = performance.now();
    this.#begunLine = line;
    this.#underWay.add(id);
    this.#bytesUnderWay += bytes;
    void this.#store(pair, line).finally(() => {
      this.#underWay.delete(id);
      this.#bytesUnderWay -= bytes;
      this.#wake();
    });
  }

  /** Waits until nothing is under way. Does not reject. */
  async drain(): Promise<void> {
    while (this.#underWay.size > 0) await this.#anyEnd();
  }

  #mayGoOn(): boolean {
    return this.#failure === undefined && !this.#options.asked.aborted;
  }

  #isFull(id: string, bytes: number): boolean {
    if (this.#underWay.size === 0) return false;
    return (
      this.#underWay.has(id) ||
      this.#underWay.size >= this.#options.concurrency ||
      this.#bytesUnderWay + bytes > MAX_BYTES_UNDER_WAY
    );
  }

  #anyEnd(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Never rejects. */
  async #store({ key, value }: Pair, line: number): Promise<void> {
    let unsure = false;
    for (;;) {
      try {
        const timeoutMs = Math.max(1, Math.min(PUT_TIMEOUT_MS, this.#patienceMs()));
        await this.#client.put(key, value, { timeoutMs, signal: this.#options.insisted });
        this.#progressAt = performance.now();
        this.stored++;
        return;
      } catch (thrown) {
        const error = DleError.from(thrown);
        unsure ||= error.effect === 'unknown';
        if (!this.#isWorthAnother(error)) {
          this.#fail(error, line, unsure);
          return;
        }
      }
      await sleep(PAUSE_MS);
    }
  }

  #isWorthAnother(error: DleError): boolean {
    if (this.#failure !== undefined || this.#options.insisted.aborted) return false;
    if (!error.retryable && error.effect === 'none') return false;
    return this.#patienceMs() > 0;
  }

  /** How long the load may still go without a record being stored, in milliseconds. */
  #patienceMs(): number {
    return this.#progressAt + this.#options.stallTimeoutMs - performance.now();
  }

  #fail(error: DleError, line: number, unsure: boolean): void {
    this.#failure ??= error;
    this.#failedLine = Math.min(this.#failedLine, line);
    if (unsure) this.unsure++;
  }
}
