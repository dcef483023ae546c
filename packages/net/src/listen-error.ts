import { DleError } from '@dle/common';
import { formatAddress } from './address.js';

/** Why a server cannot listen at `host` and `port`, in one sentence for whoever started it. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): DleError {
  const address = formatAddress({ host, port });
  switch (error.code) {
    case 'EADDRINUSE':
      return new DleError('DLE_ADDRESS_IN_USE', `another process listens at ${address} already`, {
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return invalid(`'${host}' is not an address of this machine`, error);
    case 'EACCES':
      return invalid(`this user may not listen at ${address}`, error);
    default:
      return DleError.from(error);
  }
}

function invalid(message: string, cause: unknown): DleError {
  return new DleError('DLE_INVALID_ARGUMENT', message, { cause });
}
