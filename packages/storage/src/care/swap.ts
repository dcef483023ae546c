import { basename, join } from 'node:path';
import { RESERVE_NAME } from '../compaction/disk-reserve.js';
import type { Vfs } from '../vfs/vfs.js';
import { isStoreName } from './store-names.js';
import type { Loss, RepairReport } from './types.js';
import { readMarker, removeMarker, Unfinished, writeMarker } from './unfinished.js';

/** In the directory of the store, where the new one is made. */
export const DRAFT_DIRECTORY = 'repair.draft';
const ASIDE_DIRECTORY = 'damaged';

/** The first of the two steps moves the damaged files aside, the second the new ones in. */
type Step = 'aside' | 'install';

/** A report as text: keys need not be. */
interface Written extends Omit<RepairReport, 'lost'> {
  readonly lost: readonly (Omit<Loss, 'keys'> & {
    readonly keys?: readonly { readonly key: string; readonly index: number }[];
  })[];
}

interface SwapMarker {
  readonly what: string;
  readonly step: Step;
  readonly report: Written;
}

/** A directory in which damaged files can be kept, and none are. */
export async function freeName(vfs: Vfs, directory: string): Promise<string> {
  const names = await vfs.list(directory);
  for (let number = 1; ; number++) {
    const name = number === 1 ? ASIDE_DIRECTORY : `${ASIDE_DIRECTORY}-${number}`;
    const path = join(directory, name);
    if (names.includes(name) || (await vfs.list(path)).length > 0) continue;
    return path;
  }
}

/**
 * From now on the store that was made is to take the place of the damaged one: `finishSwap` does
 * that, also after a crash, and until it is done the store cannot be opened.
 */
export async function beginSwap(vfs: Vfs, directory: string, report: RepairReport): Promise<void> {
  await mark(vfs, directory, 'aside', report);
}

/**
 * Does what is left of a swap that was begun; `undefined`: there is none. Files are moved, not
 * directories: one of those may be where a disk is mounted, and it is locked by what it is.
 */
export async function finishSwap(vfs: Vfs, directory: string): Promise<RepairReport | undefined> {
  const marker = await readMarker<SwapMarker>(vfs, directory, Unfinished.repair);
  if (marker?.report === undefined) return undefined;
  const read = fromText(marker.report);
  // It may be called by another path than the last time.
  const report = { ...read, keptAside: join(directory, basename(read.keptAside!)) };
  if (marker.step === 'install') return moveIn(vfs, directory, report);
  return moveAside(vfs, directory, report);
}

async function moveAside(vfs: Vfs, directory: string, report: RepairReport): Promise<RepairReport> {
  const aside = report.keptAside!;
  await vfs.makeDirectory(aside);
  for (const name of await vfs.list(directory)) {
    if (!isStoreName(name)) continue;
    if (name === RESERVE_NAME) await vfs.unlink(join(directory, name));
    else await vfs.rename(join(directory, name), join(aside, name));
  }
  await vfs.syncDirectory(aside);
  await vfs.syncDirectory(directory);
  await mark(vfs, directory, 'install', report);
  return moveIn(vfs, directory, report);
}

async function moveIn(vfs: Vfs, directory: string, report: RepairReport): Promise<RepairReport> {
  const draft = join(directory, DRAFT_DIRECTORY);
  // A crash may have left the marker, and not the directory: that cannot be flushed then.
  await vfs.makeDirectory(draft);
  for (const name of await vfs.list(draft)) {
    if (isStoreName(name)) await vfs.rename(join(draft, name), join(directory, name));
    else await vfs.unlink(join(draft, name));
  }
  await vfs.syncDirectory(directory);
  await vfs.syncDirectory(draft);
  await vfs.removeDirectory(draft);
  await removeMarker(vfs, directory, Unfinished.repair);
  return report;
}

async function mark(vfs: Vfs, directory: string, step: Step, report: RepairReport): Promise<void> {
  const what = 'an unfinished repair of a store of dle';
  const marker: SwapMarker = { what, step, report: toText(report) };
  await writeMarker(vfs, directory, Unfinished.repair, marker);
}

function toText(report: RepairReport): Written {
  const lost = report.lost.map(({ keys, ...loss }) => {
    if (keys === undefined) return loss;
    const texts = keys.map(({ key, index }) => ({
      key: Buffer.from(key).toString('base64'),
      index,
    }));
    return { ...loss, keys: texts };
  });
  return { ...report, lost };
}

function fromText(report: Written): RepairReport {
  const lost = report.lost.map(({ keys, ...loss }) => {
    if (keys === undefined) return loss;
    const bytes = keys.map(({ key, index }) => ({
      key: new Uint8Array(Buffer.from(key, 'base64')),
      index,
    }));
    return { ...loss, keys: bytes };
  });
  return { ...report, lost };
}
