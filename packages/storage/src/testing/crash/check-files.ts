import { basename } from 'node:path';
import type { LogStore } from '../../store/log-store.js';
import { Broken } from './crash-failure.js';
import type { Patience } from './patience.js';
import type { World } from './world.js';

/** The names of docs/format.md. */
const KNOWN_NAME = /^(?:[0-9a-f]{16}\.(?:segment|directory)|lock)$/;

interface Verification {
  readonly damage: readonly { file: string; offset: number; message: string }[];
}

/** A store that has been crashed is whole nevertheless. */
export async function verifyStore(
  { history, coverage, strict }: World,
  patience: Patience,
  store: LogStore & { verify?: () => Promise<Verification> },
): Promise<void> {
  // Known: it takes a segment for damaged that has been made and not yet been written to, and one
  // whose remains behind its last frame were not flushed when its key directory was made.
  if (store.verify === undefined || !strict) return;
  history.add('verify');
  const { damage } = await patience.outcomeOf(store.verify(), 'verify');
  const [first] = damage;
  if (first !== undefined) {
    throw new Broken(`verify: ${first.file} at byte ${first.offset}: ${first.message}`);
  }
  coverage.count('verified');
}

/** A store that is closed, or could not be opened, holds no descriptors. */
export function checkClosed({ vfs, strict }: World): void {
  // Known: a segment that was flushed before the next one was begun stays open.
  if (!strict) return;
  const { openPaths } = vfs;
  if (openPaths.length > 0) throw new Broken(`not closed: ${openPaths.join(', ')}`);
}

/** Nothing of what was begun and not finished is left behind. */
export function checkFiles({ vfs }: World): void {
  const unknown = vfs.paths.filter((path) => !KNOWN_NAME.test(basename(path)));
  if (unknown.length > 0) throw new Broken(`left behind: ${unknown.join(', ')}`);
}
