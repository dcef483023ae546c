import { DleError, readUint64, writeUint64 } from '@dle/common';
import { Packr } from 'msgpackr';
import { isSound, MAX_MEMBERS } from '../core/configuration.js';
import type { Configuration, NodeId } from '../core/types.js';

const VERSION = 1;
const HEADER_BYTES = 8;
const ID_BYTES = 8;

const packr = new Packr({ useRecords: false });

/**
 * Value of a `configuration` entry:
 *
 *     0 version 1   1 zero   2 voters u16   4 outgoing u16   6 learners u16   8 ids, u64 each …
 *     … msgpack of `members`, or nothing
 */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const { voters, outgoing = [], learners = [], members } = configuration;
  const ids = [...voters, ...outgoing, ...learners];
  const packed = members === undefined ? new Uint8Array(0) : packr.pack(members);
  const idsEnd = HEADER_BYTES + ids.length * ID_BYTES;
  const value = new Uint8Array(idsEnd + packed.length);
  const view = new DataView(value.buffer);
  view.setUint8(0, VERSION);
  for (const [at, list] of [voters, outgoing, learners].entries()) {
    view.setUint16(2 + 2 * at, list.length, true);
  }
  for (const [at, id] of ids.entries()) writeUint64(view, HEADER_BYTES + at * ID_BYTES, id);
  value.set(packed, idsEnd);
  return value;
}

/** @throws DleError `DLE_FORMAT` */
export function decodeConfiguration(value: Uint8Array): Configuration {
  if (value.length < HEADER_BYTES) throw malformed('is too short');
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const version = view.getUint8(0);
  if (version !== VERSION) {
    throw malformed(`has version ${version}, and this program knows ${VERSION}: use a newer one`);
  }
  if (view.getUint8(1) !== 0) throw malformed('has a reserved field set');
  const counts = [2, 4, 6].map((offset) => view.getUint16(offset, true));
  const idsEnd = HEADER_BYTES + counts.reduce((sum, count) => sum + count, 0) * ID_BYTES;
  if (idsEnd > value.length || counts.some((count) => count > MAX_MEMBERS)) {
    throw malformed('names more members than it holds');
  }
  let offset = HEADER_BYTES;
  const [voters, outgoing, learners] = counts.map((count) => {
    const ids: NodeId[] = [];
    for (const end = offset + count * ID_BYTES; offset < end; offset += ID_BYTES) {
      ids.push(readUint64(view, offset));
    }
    return ids;
  }) as [NodeId[], NodeId[], NodeId[]];
  const configuration: Configuration = {
    voters,
    ...(outgoing.length > 0 && { outgoing }),
    ...(learners.length > 0 && { learners }),
    ...(idsEnd < value.length && { members: unpacked(value.subarray(idsEnd)) }),
  };
  if (!isSound(configuration)) throw malformed('names nobody, somebody twice, or no node');
  return configuration;
}

function unpacked(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch (cause) {
    throw malformed('has details of its members that are not msgpack', cause);
  }
}

function malformed(what: string, cause?: unknown): DleError {
  return new DleError('DLE_FORMAT', `a configuration entry ${what}`, { cause });
}
