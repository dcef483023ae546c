import { join, resolve } from 'node:path';
import { DleError } from '@dle/common';
import {
  encodeManifest,
  MANIFEST_NAME,
  type Manifest,
  readManifest,
  writeManifest,
} from '../compaction/manifest.js';
import {
  parseSortedName,
  readSortedHeader,
  SORTED_HEADER_BYTES,
} from '../directory/sorted-segment.js';
import {
  parseSegmentName,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
} from '../log/segment-header.js';
import type { Vfs } from '../vfs/vfs.js';
import { BackupSource, type BackupSourceComponents } from './backup-source.js';
import { FileCopier, sizeOf } from './file-copier.js';
import { isLockName, isStoreName } from './store-names.js';
import type { BackupReport, CareOptions } from './types.js';
import { isMarker, readMarker, removeMarker, Unfinished, writeMarker } from './unfinished.js';

/** What the marker of a backup says. */
interface BackupMarker {
  readonly what: string;
  readonly storeId: string;
}

/** The backups of an open store that are under way. */
export class Backups {
  readonly #components: BackupSourceComponents;
  readonly #directory: string;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(components: BackupSourceComponents, directory: string) {
    this.#components = components;
    this.#directory = directory;
  }

  /** As `LogStore.backup`. */
  async make(target: string, options: CareOptions = {}): Promise<BackupReport> {
    if (resolve(target) === resolve(this.#directory)) {
      throw new DleError('DLE_INVALID_ARGUMENT', `${target} is the directory of the store itself`);
    }
    this.#components.log.checkWritable();
    const signals = [this.#closing.signal, ...(options.signal ? [options.signal] : [])];
    const signal = AbortSignal.any(signals);
    signal.throwIfAborted();
    const source = new BackupSource(this.#components, this.#directory);
    const making = this.#make(source, target, { ...options, signal });
    const settled = making.catch(() => undefined);
    this.#underWay.add(settled);
    try {
      return await making;
    } finally {
      source.release();
      this.#underWay.delete(settled);
    }
  }

  /** Ends those that are under way: they can be made again. */
  async close(): Promise<void> {
    this.#closing.abort(new DleError('DLE_CLOSED', 'the store was closed during a backup'));
    await Promise.all(this.#underWay);
  }

  async #make(source: BackupSource, target: string, options: CareOptions): Promise<BackupReport> {
    const { vfs } = this.#components;
    await vfs.makeDirectory(target);
    const lock = await vfs.lock(target);
    try {
      return await this.#fill(source, target, options);
    } finally {
      await lock.release();
    }
  }

  async #fill(source: BackupSource, target: string, options: CareOptions): Promise<BackupReport> {
    const { vfs, log } = this.#components;
    const { storeId } = log;
    const names = await vfs.list(target);
    await refuseOthers(vfs, target, names, storeId);
    const { index, files, manifest } = await source.content();
    if (!names.includes(Unfinished.backup)) {
      const content: BackupMarker = { what: 'an unfinished backup of a store of dle', storeId };
      await writeMarker(vfs, target, Unfinished.backup, content);
    }
    const wanted = new Set(files.map(({ name }) => name));
    const present = new Set(names.filter(isStoreName));
    const manifestBytes = manifest === undefined ? 0 : encodeManifest(manifest).length;
    const totalBytes = files.reduce((sum, file) => sum + sizeOf(file), manifestBytes);
    const paths = { from: this.#directory, to: target };
    const copier = new FileCopier(vfs, paths, totalBytes, options);
    for (const name of present) {
      const isReplaced = name === MANIFEST_NAME && manifest !== undefined;
      if (!wanted.has(name) && !isReplaced) await vfs.unlink(join(target, name));
    }
    for (const file of files) await copier.bring(file, present.has(file.name));
    await vfs.syncDirectory(target);
    options.signal?.throwIfAborted();
    // What it names is there: now it can.
    const isKept = await this.#bringManifest(target, manifest);
    await removeMarker(vfs, target, Unfinished.backup);
    const { linkedFiles, copiedFiles, keptFiles } = copier.counters;
    const [kept, written] = isKept ? [1, 0] : [0, manifest === undefined ? 0 : 1];
    options.onProgress?.({ doneBytes: totalBytes, totalBytes });
    return {
      index,
      files: files.length + kept + written,
      bytes: totalBytes,
      linkedFiles,
      copiedFiles: copiedFiles + written,
      keptFiles: keptFiles + kept,
    };
  }

  /** Whether it was there, as it should be. */
  async #bringManifest(target: string, manifest: Manifest | undefined): Promise<boolean> {
    if (manifest === undefined) return false;
    const { vfs } = this.#components;
    const there = await readManifest(vfs, target).catch(() => undefined);
    const isRight =
      there !== undefined && Buffer.compare(encodeManifest(there), encodeManifest(manifest)) === 0;
    // Whoever has written it may not have come to flush its name.
    if (!isRight) await writeManifest(vfs, target, manifest);
    return isRight;
  }
}

/** A backup may replace an older one of the same store, and nothing else. */
async function refuseOthers(
  vfs: Vfs,
  target: string,
  names: readonly string[],
  storeId: string,
): Promise<void> {
  for (const name of names) {
    if (isStoreName(name) || isLockName(name) || isMarker(name, Unfinished.backup)) continue;
    throw refused(join(target, name), 'is no part of a backup');
  }
  const marker = await readMarker<BackupMarker>(vfs, target, Unfinished.backup);
  if (marker !== undefined && marker.storeId !== storeId) {
    throw refused(join(target, Unfinished.backup), 'is of a backup of another store');
  }
  for (const name of names) {
    const owner = await ownerOf(vfs, target, name);
    if (owner === undefined || owner === storeId) continue;
    throw refused(join(target, name), `belongs to store ${owner}, and not to ${storeId}`);
  }
}

function refused(path: string, why: string): DleError {
  const what = 'a backup wants an empty directory, or an older backup of the same store';
  return new DleError('DLE_INVALID_ARGUMENT', `${path} ${why}: ${what}`);
}

/** The id in the head of a file; `undefined` if it has none, or none that is whole. */
async function ownerOf(vfs: Vfs, target: string, name: string): Promise<string | undefined> {
  const [segment, sorted] = [parseSegmentName(name), parseSortedName(name)];
  if (segment === undefined && sorted === undefined) return undefined;
  const path = join(target, name);
  const file = vfs.openSync(path, { readOnly: true });
  try {
    const bytes = new Uint8Array(Math.max(SEGMENT_HEADER_BYTES, SORTED_HEADER_BYTES));
    const head = bytes.subarray(0, await file.read(bytes, 0));
    const origin = { name: path, offset: 0 };
    const header =
      segment === undefined
        ? readSortedHeader(head, sorted!, origin)
        : readSegmentHeader(head, segment, origin);
    return header?.storeId;
  } finally {
    await file.close();
  }
}
