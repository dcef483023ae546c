export { disguised, withFlush } from './disguise.js';
export {
  type MemEnd,
  type MemFaults,
  MemVfs,
  type MemVfsComponents,
  type MemVfsOptions,
} from './mem-vfs.js';
export {
  type TestFunction,
  type VfsUnderTest,
  vfsComplianceSuite,
} from './vfs-compliance-suite.js';
