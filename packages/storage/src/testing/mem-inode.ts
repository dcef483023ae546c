import { type Random, randomBelow } from '@dle/common';
import { copyOf } from '../bytes.js';
import { Unflushed } from './unflushed.js';

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

/**
 * Shares of the unflushed that survive a crash; the extremes are as likely as what lies between.
 */
const SURVIVAL_PERCENT = [0, 10, 50, 90, 100];

/** Grows by doubling, and is zero beyond its end. */
class Image {
  #bytes: Uint8Array = new Uint8Array(SECTOR_BYTES);
  size = 0;

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, position);
    this.size = Math.max(this.size, end);
  }

  read(target: Uint8Array, position: number): number {
    const part = this.#bytes.subarray(position, Math.min(this.size, position + target.length));
    target.set(part);
    return part.length;
  }

  flip(position: number, bit: number): void {
    this.#bytes[position] = (this.#bytes[position] ?? 0) ^ (1 << bit);
  }

  copy(): Image {
    const twin = new Image();
    twin.#bytes = copyOf(this.#bytes);
    twin.size = this.size;
    return twin;
  }
}

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/**
 * A file twice: as programs see it, and as the device holds it; between the two, what was not
 * flushed.
 */
export class MemInode {
  static #made = 0;
  /** No other has it. */
  readonly number: number = ++MemInode.#made;
  #seen = new Image();
  #device = new Image();
  readonly #unflushed = new Unflushed<Write>();
  /** Whether a flush has failed since the last crash: the device may lack what is not to come. */
  #forgotten = false;

  get size(): number {
    return this.#seen.size;
  }

  /** Marks the writes that a flush that begins now would cover. */
  mark(): number {
    return this.#unflushed.mark();
  }

  write(bytes: Uint8Array, position: number): void {
    this.#seen.write(bytes, position);
    this.#unflushed.push({ position, bytes: copyOf(bytes) });
  }

  read(target: Uint8Array, position: number): number {
    return this.#seen.read(target, position);
  }

  /** The writes before `mark` reach the device. */
  flush(mark: number): void {
    for (const write of this.#unflushed.takeTo(mark)) {
      this.#device.write(write.bytes, write.position);
    }
  }

  /** A flush failed: programs still see the writes, no later flush will try them again. */
  forget(mark: number): void {
    this.#unflushed.takeTo(mark);
    this.#forgotten = true;
  }

  flip(position: number, bit: number): void {
    this.#seen.flip(position, bit);
    this.#device.flip(position, bit);
  }

  /** Of every sector the device keeps some state between its last flush and its last write. */
  crash(random: Random): void {
    // Most files of a large store have long been flushed: they are not copied.
    if (this.#unflushed.empty && !this.#forgotten) return;
    const survival = SURVIVAL_PERCENT[randomBelow(random, SURVIVAL_PERCENT.length)]!;
    const survives = (): boolean => randomBelow(random, 100) < survival;
    const writes = this.#unflushed.takeTo(this.mark()).flatMap(intoSectors);
    const touches = new Map<number, number>();
    for (const { position } of writes) {
      const sector = Math.floor(position / SECTOR_BYTES);
      touches.set(sector, (touches.get(sector) ?? 0) + 1);
    }
    const kept = new Map<number, number>();
    for (const [sector, count] of touches) {
      if (survives()) kept.set(sector, count);
      else kept.set(sector, survives() ? randomBelow(random, count) : 0);
    }
    for (const { position, bytes } of writes) {
      const sector = Math.floor(position / SECTOR_BYTES);
      const left = kept.get(sector)!;
      if (left > 0) this.#device.write(bytes, position);
      kept.set(sector, left - 1);
    }
    this.#seen = this.#device.copy();
    this.#forgotten = false;
  }
}

function intoSectors(write: Write): Write[] {
  const parts: Write[] = [];
  for (let done = 0; done < write.bytes.length; ) {
    const position = write.position + done;
    const length = Math.min(write.bytes.length - done, SECTOR_BYTES - (position % SECTOR_BYTES));
    parts.push({ position, bytes: write.bytes.subarray(done, done + length) });
    done += length;
  }
  return parts;
}
