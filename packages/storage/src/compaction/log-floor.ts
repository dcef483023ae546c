import { DleError } from '@dle/common';
import { MAX_FLOOR_STATE_BYTES } from '../limits.js';
import type { Log } from '../log/log.js';
import type { SealedFile } from '../store/catalog.js';
import type { ManifestFloor } from './manifest.js';
import type { Retention } from './retention.js';

/** How far consensus is done with the log. */
export interface Floor {
  /** The entries up to there are applied, and nobody asks for them any more; 0: none are. */
  readonly index: number;
  /** Of the entry at `index`. */
  readonly term: number;
  /** What consensus must know at that index: bytes that it alone understands, at most 64 KiB. */
  readonly state: Uint8Array;
}

export interface LogFloorComponents {
  readonly log: Log;
  readonly applied: { readonly appliedIndex: number };
}

/**
 * The floor of a replicated store. Below it the log is compacted; above it entries can be read by
 * their indexes. It counts once the manifest that holds it is durable.
 */
export class LogFloor implements Retention {
  readonly #components: LogFloorComponents;
  #current: Floor;

  constructor(components: LogFloorComponents, { index, term, state }: Floor) {
    this.#components = components;
    this.#current = { index, term, state };
  }

  get current(): Floor {
    return this.#current;
  }

  covers({ kind, id }: SealedFile): boolean {
    const { index } = this.#current;
    return index > 0 && (kind === 'sorted' || id <= this.#lastSegmentBelow(index));
  }

  coversAll(): boolean {
    const { index } = this.#current;
    return index > 0 && index === this.#components.log.lastIndex;
  }

  /** Throws `DLE_INVALID_ARGUMENT` if nothing like that can be the floor. */
  check({ index, term, state }: Floor): void {
    const { log, applied } = this.#components;
    if (!Number.isSafeInteger(index) || index < 1 || index > applied.appliedIndex) {
      throw refused(`a floor of ${index} in a store that has applied ${applied.appliedIndex}`);
    }
    if (state.length > MAX_FLOOR_STATE_BYTES) {
      throw refused(`${state.length} bytes of state, and at most ${MAX_FLOOR_STATE_BYTES} may be`);
    }
    if (index <= this.#current.index || term === log.termAt(index)) return;
    throw refused(`term ${term} at ${index}, where the log has term ${log.termAt(index)}`);
  }

  /**
   * What a manifest says that is written now, with this floor or the one there is. It is true once
   * all that the log has accepted by now is on the device.
   */
  checkpoint(floor: Floor = this.#current): ManifestFloor {
    const { log, applied } = this.#components;
    const segment = this.#lastSegmentBelow(floor.index);
    const dead = log.entries.dead.all();
    return { ...floor, segment, applied: applied.appliedIndex, dead };
  }

  /** `floor` is durable: entries up to there are given up. */
  raise(floor: Floor): void {
    if (floor.index <= this.#current.index) return;
    this.#current = floor;
    this.#components.log.releaseEntriesBelow(floor.index + 1);
  }

  /** Whatever counts above `index` lies in segments of higher ids. */
  #lastSegmentBelow(index: number): number {
    const { entries, lastSegment } = this.#components.log;
    const above = index < entries.lastIndex ? entries.segmentAt(index + 1) : lastSegment;
    return Math.max(0, above - 1);
  }
}

function refused(message: string): DleError {
  return new DleError('DLE_INVALID_ARGUMENT', message);
}
