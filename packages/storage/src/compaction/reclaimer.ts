import { join } from 'node:path';
import { directoryName } from '../directory/directory-format.js';
import type { SegmentSlots } from '../key-index/position.js';
import type { Log } from '../log/log.js';
import type { SegmentFiles } from '../log/segment-files.js';
import type { SealedFile } from '../store/catalog.js';
import type { SegmentMaps } from '../store/segment-maps.js';
import type { Vfs } from '../vfs/vfs.js';
import type { LiveBytes } from './live-bytes.js';

export interface ReclaimerComponents {
  readonly vfs: Vfs;
  readonly files: SegmentFiles;
  readonly slots: SegmentSlots;
  readonly live: LiveBytes;
  readonly maps: SegmentMaps | undefined;
  readonly log: Log;
}

/**
 * Gives back what a file has taken that nobody needs any more: its map, its slot, its descriptor,
 * and its space on the disk. What a crash leaves of that is removed at the next start, for the
 * manifest does not name it.
 */
export class Reclaimer {
  readonly #components: ReclaimerComponents;
  readonly #directory: string;
  readonly #unlinking = new Set<Promise<void>>();

  constructor(components: ReclaimerComponents, directory: string) {
    this.#components = components;
    this.#directory = directory;
  }

  free({ id, header }: SealedFile): void {
    const { files, slots, live, maps, log } = this.#components;
    const path = files.pathOf(id);
    const slot = slots.slotOf(id);
    maps?.forget(slot);
    live.clear(slot);
    slots.free(id);
    log.entries.dead.forget(id);
    log.space.adjust(-1, -header.segmentBytes);
    const unlinking = this.#unlink(id, path).finally(() => this.#unlinking.delete(unlinking));
    this.#unlinking.add(unlinking);
  }

  /** Resolves when what was begun is done. */
  async idle(): Promise<void> {
    await Promise.all(this.#unlinking);
  }

  /** What fails is tried again at the next start. */
  async #unlink(id: number, path: string): Promise<void> {
    const { files, vfs } = this.#components;
    await files.forget(id).catch(() => undefined);
    await vfs.unlink(path).catch(() => undefined);
    await vfs.unlink(join(this.#directory, directoryName(id))).catch(() => undefined);
  }
}
