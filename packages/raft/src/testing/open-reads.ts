import type { NodeId } from '../core/types.js';
import { check } from './check.js';

/** Reads that were begun and have no answer yet. */
export class OpenReads {
  readonly #reads = new Map<number, { readonly node: NodeId; readonly floor: number }>();

  get count(): number {
    return this.#reads.size;
  }

  /** Everything up to `floor` was committed when it began. */
  begin(node: NodeId, id: number, floor: number): void {
    this.#reads.set(id, { node, floor });
  }

  /** It is answered, once. What was committed when it began. */
  end(id: number): number {
    const read = this.#reads.get(id);
    check(this.#reads.delete(id), `read ${id} was answered twice`);
    return read!.floor;
  }

  /** Nobody will answer the reads of this node. */
  forget(node: NodeId): void {
    for (const [id, read] of this.#reads) if (read.node === node) this.#reads.delete(id);
  }
}
