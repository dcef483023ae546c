import * as fs from 'node:fs';
import { join } from 'node:path';
import { recordBytes } from '@dle/storage/internal';
import type { Round } from './drive.js';
import { median } from './summary.js';
import { KEY_BYTES, type Operations, VALUE_BYTES } from './workload.js';

/** What one record of the workload takes in the log of a store. */
export const RECORD_BYTES: number = recordBytes(KEY_BYTES, VALUE_BYTES);

/** The file is never smaller, so that a group of writes always fits. */
const MIN_RECORDS = 65_536;
const FLUSHES_FOR_MEDIAN = 200;

export interface RawRun {
  readonly count: number;
  /** Writes that share one system call and one flush. */
  readonly group: number;
  readonly flushes: boolean;
}

/**
 * The limit for a store on this disk: a plain file, of which as many bytes are read and written as
 * the store's records take, and nothing else. Its space is allocated beforehand, as the store's is.
 */
export class RawDisk {
  readonly #file: number;
  readonly #records: number;
  readonly #target: Uint8Array = new Uint8Array(RECORD_BYTES);
  readonly #source: Uint8Array;
  #end = 0;

  constructor(directory: string, records: number) {
    this.#records = Math.max(records, MIN_RECORDS);
    this.#source = new Uint8Array(MIN_RECORDS * RECORD_BYTES).fill(1);
    this.#file = fs.openSync(join(directory, 'raw'), 'w+');
    for (let written = 0; written < this.#records; written += MIN_RECORDS) {
      this.#write(Math.min(MIN_RECORDS, this.#records - written));
    }
    this.flush();
  }

  read(record: number): void {
    fs.readSync(this.#file, this.#target, 0, RECORD_BYTES, record * RECORD_BYTES);
  }

  flush(): void {
    fs.fdatasyncSync(this.#file);
  }

  /** Does the first `count` operations; writes are gathered, written and flushed in groups. */
  run(operations: Operations, { count, group, flushes }: RawRun): Round {
    const latenciesMs = new Float64Array(count);
    const waiting: number[] = [];
    const began = performance.now();

    const commit = (): void => {
      this.#write(waiting.length);
      if (flushes) this.flush();
      const end = performance.now();
      for (const at of waiting) latenciesMs[at] = end - latenciesMs[at]!;
      waiting.length = 0;
    };

    for (let at = 0; at < count; at++) {
      const start = performance.now();
      if (operations.isWrite(at)) {
        latenciesMs[at] = start;
        if (waiting.push(at) >= group) commit();
      } else {
        this.read(operations.record(at));
        latenciesMs[at] = performance.now() - start;
      }
    }
    if (waiting.length > 0) commit();
    return { elapsedMs: performance.now() - began, latenciesMs };
  }

  /** What it takes to write one record and flush it, in milliseconds. */
  flushMedianMs(): number {
    const times = Array.from({ length: FLUSHES_FOR_MEDIAN }, () => {
      const start = performance.now();
      this.#write(1);
      this.flush();
      return performance.now() - start;
    });
    return median(times);
  }

  close(): void {
    fs.closeSync(this.#file);
  }

  /** Writes records behind those before, and from the beginning again where the file ends. */
  #write(records: number): void {
    const count = Math.min(records, MIN_RECORDS);
    if (this.#end + count > this.#records) this.#end = 0;
    fs.writeSync(this.#file, this.#source, 0, count * RECORD_BYTES, this.#end * RECORD_BYTES);
    this.#end += count;
  }
}
