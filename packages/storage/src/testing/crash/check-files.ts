import { basename } from 'node:path';
import type { LogStore } from '../../store/log-store.js';
import { Broken } from './crash-failure.js';
import type { Patience } from './patience.js';
import type { World } from './world.js';

/** The names of docs/format.md. */
const KNOWN_NAME = /^(?:[0-9a-f]{16}\.(?:segment|sorted|directory)|manifest|reserve|lock)$/;

/** A store that has been crashed is whole nevertheless. */
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
  coverage.count('verified');
}

/** A store that is closed, or could not be opened, holds no descriptors. */
export function checkClosed({ vfs }: World): void {
  const { openPaths } = vfs;
  if (openPaths.length > 0) throw new Broken(`not closed: ${openPaths.join(', ')}`);
}

/** Nothing of what was begun and not finished is left behind. */
export function checkFiles({ vfs }: World): void {
  const unknown = vfs.paths.filter((path) => !KNOWN_NAME.test(basename(path)));
  if (unknown.length > 0) throw new Broken(`left behind: ${unknown.join(', ')}`);
}
