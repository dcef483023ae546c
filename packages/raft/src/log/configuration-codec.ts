import { DleError } from '@dle/common';
import { Packr } from 'msgpackr';
import type { Configuration } from '../core/types.js';

const packr = new Packr({ useRecords: false });

/** Value of a `configuration` entry. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  return packr.pack(configuration);
}

/** @throws DleError `DLE_FORMAT` */
export function decodeConfiguration(value: Uint8Array): Configuration {
  let decoded: Partial<Configuration> | null;
  try {
    decoded = packr.unpack(value) as Partial<Configuration> | null;
  } catch (cause) {
    throw new DleError('DLE_FORMAT', 'a configuration entry is not msgpack', { cause });
  }
  const voters = decoded?.voters;
  if (!Array.isArray(voters) || !voters.every((id) => Number.isSafeInteger(id) && id > 0)) {
    throw new DleError('DLE_FORMAT', 'a configuration entry without a list of voters');
  }
  return decoded as Configuration;
}
