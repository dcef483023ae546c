import { join } from 'node:path';
import { directoryName } from '../../directory/directory-format.js';
import { DiskFiles } from './disk-files.js';
import { DIRECTORY, type World } from './world.js';

/**
 * Between two lives of a store, key directories rot, or are lost: they tell nothing that the
 * segments do not.
 */
export function damageDirectories({ dice, vfs, history, coverage }: World): void {
  const { directories, sorted } = new DiskFiles(vfs);
  if (directories.length === 0) return;
  for (let left = dice.magnitude(4); left > 0; left--) {
    const id = dice.pick(directories);
    const path = join(DIRECTORY, directoryName(id));
    if (!vfs.paths.includes(path) || vfs.sizeOf(path) === 0) continue;
    const kind = sorted.includes(id) ? 'a sorted segment' : 'the log';
    if (dice.chance(30)) {
      vfs.unlinkSync(path);
      history.add(`${path} is removed`);
      coverage.count(`key directory of ${kind} removed`);
      continue;
    }
    // The first bytes are looked at first, the first block is the fullest.
    const size = vfs.sizeOf(path);
    const position = dice.pick([
      dice.below(128),
      dice.below(Math.min(size, 800)),
      dice.below(size),
    ]);
    vfs.flipBit(path, Math.min(position, size - 1), dice.below(8));
    history.add(`${path}: a bit of byte ${position} of ${size} is flipped`);
    coverage.count(`key directory of ${kind} damaged`);
  }
}
