import { basename, dirname } from 'node:path';
import type { LogStore } from '../../store/log-store.js';
import { Broken } from './crash-failure.js';
import { DiskFiles } from './disk-files.js';
import type { Patience } from './patience.js';
import { DIRECTORY, type World } from './world.js';

/** The names of docs/format.md. */
const KNOWN_NAME = /^(?:[0-9a-f]{16}\.(?:segment|sorted|directory)|manifest|reserve|lock)$/;

/** A store that has been crashed is whole nevertheless, and so is one whose log has failed. */
export async function verifyStore(
  { history, coverage }: World,
  patience: Patience,
  store: LogStore,
): Promise<void> {
  history.add('verify');
  const { damage } = await patience.outcomeOf(store.verify(), 'verify');
  const [first] = damage;
  if (first !== undefined) {
    throw new Broken(`verify: ${first.file} at byte ${first.offset}: ${first.message}`);
  }
  const scrubbed = await patience.outcomeOf(store.scrub(), 'scrub');
  const [found] = [...scrubbed.damage, ...store.stats().damage];
  if (found !== undefined) throw new Broken(`scrub: ${found.message}`);
  coverage.count(store.stats().poisoned ? 'verified, poisoned' : 'verified');
}

/** A store that is closed, or could not be opened, holds no descriptors. */
export function checkClosed({ vfs }: World): void {
  const { openPaths } = vfs;
  if (openPaths.length > 0) throw new Broken(`not closed: ${openPaths.join(', ')}`);
}

/**
 * Nothing of what was begun and not finished is left behind, and nothing that is not needed any
 * more: after an opening, and after a clean close. `hasFailed`: a compaction has, and what it had
 * made by then is named by the next one, or removed at the next start.
 */
export function checkFiles({ vfs }: World, hasFailed = false): void {
  const inside = vfs.paths.filter((path) => dirname(path) === DIRECTORY);
  const unknown = inside.filter((path) => !KNOWN_NAME.test(basename(path)));
  if (unknown.length > 0) throw new Broken(`left behind: ${unknown.join(', ')}`);
  const { unnamed, gone, orphans } = new DiskFiles(vfs);
  if (unnamed.length > 0 && !hasFailed)
    throw new Broken(`sorted segments nobody names: ${unnamed.join(', ')}`);
  if (gone.length > 0) throw new Broken(`segments that are to be gone: ${gone.join(', ')}`);
  if (orphans.length > 0) throw new Broken(`directories of nothing: ${orphans.join(', ')}`);
}

/** Just opened, the store knows of every segment there is. */
export function checkAccounts({ vfs }: World, store: LogStore): void {
  const files = new DiskFiles(vfs);
  const { segments, bytes } = store.stats();
  const [found, foundBytes] = [files.segments.length + files.sorted.length, files.segmentBytes];
  if (segments !== found || bytes !== foundBytes) {
    const said = `${segments} segments of ${bytes} bytes`;
    throw new Broken(`stats: ${said}, and there are ${found} of ${foundBytes}`);
  }
}
