import { isIPv6 } from 'node:net';
import { DleError } from '@dle/common';

export interface Address {
  /** A name or a numeric address, IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host:port` or `[v6]:port`. DLE_INVALID_ARGUMENT if it is neither, or the port is not 1 to
 * 65535.
 */
export function parseAddress(text: string): Address {
  const bracketed = /^\[([^\]]*)\]:(\d{1,5})$/.exec(text);
  const plain = /^([^\s:[\]/@]+):(\d{1,5})$/.exec(text);
  const host = bracketed?.[1] ?? plain?.[1] ?? '';
  const port = Number(bracketed?.[2] ?? plain?.[2]);
  if ((bracketed !== null && !isIPv6(host)) || host === '') {
    throw new DleError('DLE_INVALID_ARGUMENT', `not an address of the form host:port: '${text}'`);
  }
  if (port < 1 || port > 65_535) {
    throw new DleError('DLE_INVALID_ARGUMENT', `the port of '${text}' is not between 1 and 65535`);
  }
  return { host, port };
}

/** Writes an address as `parseAddress` reads it. */
export function formatAddress(address: Address): string {
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
