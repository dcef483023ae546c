import { closeSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the name of the dynamic linker stands in a program of Linux. */
const HEAD_BYTES = 4096;

/** Where the binary for this machine lies, if it is there: `native/build.mjs` puts it there. */
export function nativePath(): string {
  const target = `${process.platform}-${process.arch}${usesMusl() ? '-musl' : ''}`;
  // As far above dist/native as it is above src/native.
  return fileURLToPath(new URL(`../../prebuilds/${target}/dle-storage.node`, import.meta.url));
}

/** Whether this Node was built for the C library of Alpine, which needs a binary of its own. */
function usesMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const head = Buffer.alloc(HEAD_BYTES);
  try {
    const descriptor = openSync(process.execPath, 'r');
    try {
      readSync(descriptor, head, 0, HEAD_BYTES, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // A program that nobody may read, or that has been replaced: glibc is the usual one.
  }
  return head.includes('/ld-musl-');
}
