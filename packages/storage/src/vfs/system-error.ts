import { getSystemErrorMap } from 'node:util';
import { DleError } from '@dle/common';

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** The error of a system call as a DleError: `DLE_DISK_FULL` (retryable) or `DLE_IO`. */
export function fromSystemError(thrown: unknown, what: string): DleError {
  if (thrown instanceof DleError) return thrown;
  const code = systemCode(thrown);
  const message = `${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  if (FULL.has(code))
    return new DleError('DLE_DISK_FULL', message, { cause: thrown, retryable: true });
  return new DleError('DLE_IO', message, { cause: thrown });
}

/** Such as `ENOENT`; empty if it has none. */
export function systemCode(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** What Node's fs would have thrown when the system call `call` ended with `errno`. */
export function errorOf(errno: number, call: string): Error {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  return Object.assign(new Error(`${code}: ${text}, ${call}`), {
    code,
    errno: -errno,
    syscall: call,
  });
}
