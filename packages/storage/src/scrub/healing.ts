import { basename, join } from 'node:path';
import type { Installer } from '../compaction/installer.js';
import type { Directories } from '../directory/directories.js';
import { directoryName, parseDirectoryName } from '../directory/directory-format.js';
import type { Log } from '../log/log.js';
import type { Catalog } from '../store/catalog.js';
import type { DamageList } from './found-damage.js';

export interface HealingComponents {
  readonly damages: DamageList;
  readonly catalog: Catalog;
  readonly directories: Directories;
  readonly installer: Installer;
  readonly log: Log;
}

/**
 * Has made again, at once, what says only what the store knows: key directories, and the manifest.
 * What cannot be made stays in the list.
 */
export function heal(components: HealingComponents, directory: string): void {
  const { damages, catalog, directories, installer, log } = components;
  damages.onDamage(({ kind, file }) => {
    if (log.failure !== undefined) return;
    if (kind === 'manifest') {
      installer.rewrite().then(
        () => damages.forget(file),
        () => undefined,
      );
    }
    const id = kind === 'directory' ? parseDirectoryName(basename(file)) : undefined;
    const known = catalog.files.find((each) => each.id === id);
    if (known === undefined) return;
    const { lastSequence, sorted } = known.header;
    directories.remake({ id: known.id, lastSequence, sorted, dead: log.entries.dead.of(known.id) });
  });
  directories.onRemade.add((id) => damages.forget(join(directory, directoryName(id))));
}
