import { DleError, equalBytes, isDleError } from '@dle/common';
import { corrupt } from '../errors.js';
import type { KeyIndex } from '../key-index/key-index.js';
import { NO_POSITION, type Position } from '../key-index/position.js';
import type { RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import { ABSENT, ASK } from '../native/lookup.js';
import type { NativeIndex } from './native-index.js';
import type { SegmentReader } from './segment-reader.js';
import { ValuePool } from './value-pool.js';

/**
 * Finds and reads the newest record of a key, every checksum verified: in C through maps where the
 * addon is loaded, else, and wherever C finds anything out of the ordinary, here by `pread`.
 */
export class KeyReader {
  readonly #index: KeyIndex;
  readonly #reader: SegmentReader;
  readonly #native: NativeIndex | undefined;
  readonly #pool = new ValuePool();
  /** Why nothing is read any more. */
  #ended: DleError | undefined;

  constructor(index: KeyIndex, reader: SegmentReader, native: NativeIndex | undefined) {
    this.#index = index;
    this.#reader = reader;
    this.#native = native;
  }

  has(key: Uint8Array): boolean {
    if (this.#native !== undefined) {
      const length = this.#native.lookup.locate(key);
      if (length !== ASK) return length !== ABSENT;
    }
    return this.find(key) !== undefined;
  }

  /** A copy of the value. */
  getSync(key: Uint8Array): Uint8Array | undefined {
    const pool = this.#pool;
    if (this.#native !== undefined) {
      const length = this.#native.lookup.get(key, pool.bytes, pool.at);
      if (length >= 0) return pool.take(length);
      if (length === ABSENT) return undefined;
    }
    const record = this.find(key);
    return record === undefined ? undefined : pool.copy(record.value);
  }

  /** As `LogStore.getInto`. */
  getInto(key: Uint8Array, target: Uint8Array): number {
    if (!(target instanceof Uint8Array)) {
      throw new DleError('DLE_INVALID_ARGUMENT', 'a value is copied into a Uint8Array');
    }
    if (this.#native !== undefined) {
      const length = this.#native.lookup.get(key, target, 0);
      if (length !== ASK) return length;
    }
    const record = this.find(key);
    if (record === undefined) return ABSENT;
    const { value } = record;
    if (value.length > target.length) {
      const message = `a value of ${value.length} bytes, and ${target.length} bytes to put it into`;
      const details = { valueLength: value.length };
      throw new DleError('DLE_INVALID_ARGUMENT', message, { details });
    }
    // Nothing can be put into a target that has been detached, not even nothing.
    if (value.length > 0) target.set(value);
    return value.length;
  }

  /** As `LogStore.getView`. */
  getView(key: Uint8Array): Uint8Array | undefined {
    const native = this.#native;
    if (native === undefined) return this.getSync(key);
    const length = native.lookup.locate(key);
    if (length === ABSENT) return undefined;
    if (length === ASK) return this.getSync(key);
    const offset = native.results[1]!;
    const buffer = native.maps.bufferOf(native.results[0]!, offset + length);
    if (buffer === undefined) return this.getSync(key);
    return new Uint8Array(buffer, offset, length);
  }

  /** As `getSync`, by the thread pool. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const record = await this.read(key);
    return record && new Uint8Array(record.value);
  }

  /** The newest record of `key`, by the thread pool. Its bytes are the caller's. */
  async read(key: Uint8Array): Promise<RecordView | undefined> {
    this.#checkOpen();
    // What is newest now is what counts: taken before anything is waited for.
    const candidates: Position[] = [];
    let position = this.#index.firstCandidate(key);
    for (; position !== NO_POSITION; position = this.#index.nextCandidate()) {
      candidates.push(position);
    }
    let damage: unknown;
    for (const candidate of candidates) {
      try {
        const record = await this.#reader.read(candidate);
        if (this.#isOf(key, record, candidate)) return record;
      } catch (thrown) {
        if (!isDamage(thrown)) throw thrown;
        damage ??= thrown;
      }
    }
    if (damage !== undefined) throw damage;
    return undefined;
  }

  close(): void {
    this.fail(new DleError('DLE_CLOSED', 'the store is closed'));
  }

  /** Has every read throw `error` from now on. */
  fail(error: DleError): void {
    this.#ended ??= error;
    this.#native?.maps.close();
  }

  /**
   * The record of `key`, good until the next call. A damaged one that may be that of `key` is
   * thrown, for then nobody can say whether there is one.
   */
  find(key: Uint8Array): RecordView | undefined {
    this.#checkOpen();
    let damage: unknown;
    let position = this.#index.firstCandidate(key);
    for (; position !== NO_POSITION; position = this.#index.nextCandidate()) {
      // The next read there is one for C.
      this.#native?.maps.cover(position);
      try {
        const record = this.#reader.readSync(position);
        if (this.#isOf(key, record, position)) return record;
      } catch (thrown) {
        if (!isDamage(thrown)) throw thrown;
        damage ??= thrown;
      }
    }
    if (damage !== undefined) throw damage;
    return undefined;
  }

  /** Whether `record`, which lies at `position`, is the one of `key`. */
  #isOf(key: Uint8Array, record: RecordView, position: Position): boolean {
    if (record.kind === RecordKind.put) {
      const { key: found } = record;
      if (equalBytes(found, key)) return true;
      if (this.#index.mayConfuse(found, key)) return false;
    }
    throw corrupt(this.#reader.originOf(position), 0, 'the record of another key lies here');
  }

  #checkOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }
}

function isDamage(thrown: unknown): boolean {
  return isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT');
}
