import { crc32 } from '@dle/common';
import type { Change } from './model.js';

/** All values that keys have ever had. */
export class Versions {
  readonly #checksums = new Map<string, Set<number>>();

  note({ key, value }: Change): void {
    if (value === undefined) return;
    const known = this.#checksums.get(key) ?? new Set();
    this.#checksums.set(key, known.add(crc32(value)));
  }

  has(key: string, value: Uint8Array): boolean {
    return this.#checksums.get(key)?.has(crc32(value)) === true;
  }
}
