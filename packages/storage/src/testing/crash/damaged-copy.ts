import { basename, dirname } from 'node:path';
import { allocate } from '../../bytes.js';
import { RESERVE_NAME } from '../../compaction/disk-reserve.js';
import { DIRECTORY, type World } from './world.js';

const MOST_ZEROS = 1_500;

/**
 * Copies the files of a store that nobody has open into another directory, one or two of them
 * harmed: a bit is flipped, some bytes are zeros, the file is cut off, or gone.
 */
export async function copyDamaged(world: World, directory: string): Promise<void> {
  const { vfs, dice, history } = world;
  const paths = vfs.paths
    .filter((path) => dirname(path) === DIRECTORY && basename(path) !== RESERVE_NAME)
    .sort();
  const last = paths.findLast((path) => path.endsWith('.segment'));
  const harmed = new Set(Array.from({ length: dice.between(1, 2) }, () => dice.pick(paths)));
  for (const path of paths) {
    const copy = `${directory}/${basename(path)}`;
    const whole = vfs.contentOf(path);
    const bytes = harmed.has(path) ? harm(world, whole, path === last) : whole;
    if (harmed.has(path)) history.add(`${copy} is harmed, ${bytes?.length} bytes are left`);
    if (bytes === undefined) continue;
    const file = vfs.createSync(copy);
    file.writeSync([bytes], 0);
    await file.datasync();
    await file.close();
  }
  await vfs.syncDirectory(directory);
}

/** `undefined`: it is gone. */
function harm({ dice }: World, whole: Uint8Array, isLast: boolean): Uint8Array | undefined {
  const bytes = allocate(whole.length);
  bytes.set(whole);
  // Nothing tells of the last writes of a log but themselves.
  const how = isLast ? 'flip' : dice.pick(['flip', 'flip', 'zeros', 'cut', 'gone'] as const);
  const at = dice.below(Math.max(1, bytes.length));
  if (how === 'gone') return undefined;
  if (how === 'cut') return bytes.subarray(0, at);
  if (how === 'zeros') bytes.fill(0, at, at + dice.magnitude(MOST_ZEROS));
  else if (bytes.length > 0) bytes[at]! ^= 1 << dice.below(8);
  return bytes;
}
