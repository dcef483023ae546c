import type { Vfs, VfsFile } from '../vfs/vfs.js';
import type { MemVfs } from './mem-vfs.js';

/** A disk whose calls are those of `vfs`, but for some: for a test of a test. */
export function disguised(
  vfs: MemVfs,
  changes: Partial<Vfs>,
  changeFile: (file: VfsFile) => VfsFile = (file) => file,
): Vfs {
  const own: Partial<Vfs> = {
    openSync: (path, options) => changeFile(vfs.openSync(path, options)),
    createSync: (path) => changeFile(vfs.createSync(path)),
    ...changes,
  };
  return Object.assign(Object.create(callsOf(vfs)), own);
}

/** A file whose flush is another one. */
export function withFlush(file: VfsFile, datasync: () => Promise<void>): VfsFile {
  return Object.assign(Object.create(callsOf(file)), { datasync });
}

/** The methods of an object that works on itself only, for others to inherit. */
export function callsOf(target: object): object {
  return new Proxy(target, {
    get: (object, name) => {
      const value = Reflect.get(object, name, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}
