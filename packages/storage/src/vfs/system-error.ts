import { getSystemErrorMap } from 'node:util';
import { DleError } from '@dle/common';
import type { VfsOperation } from './vfs.js';

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/**
 * The error of a system call as a DleError: `DLE_DISK_FULL` (retryable) or `DLE_IO`, with
 * `details.operation`. `operand`: the path, or the paths, for people.
 */
export function fromSystemError(
  thrown: unknown,
  operation: VfsOperation,
  operand: string,
): DleError {
  if (thrown instanceof DleError) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  const message = `${operation} ${operand}: ${why}`;
  const retryable = FULL.has(systemCode(thrown));
  const code = retryable ? 'DLE_DISK_FULL' : 'DLE_IO';
  return new DleError(code, message, { cause: thrown, retryable, details: { operation } });
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
