import { crc32, DleError } from '@dle/common';
import { asFields, complaint, type Fields, flag, optional, text, wholeNumber } from './fields.js';
import {
  MAX_ADDRESS_LENGTH,
  MAX_CURSOR_LENGTH,
  MAX_DUMP_PAGE_BYTES,
  MAX_NODE_ID,
} from './limits.js';
import { PUT_HEAD_BYTES, readPutHead } from './put-head.js';
import {
  type ClientRequest,
  checkKeyLength,
  checkValueLength,
  type DelRequest,
  type DumpRequest,
  type GetRequest,
  type MembershipRequest,
  type PutRequest,
  payloadChecksum,
  READ_LEVELS,
  type ReadLevel,
} from './requests.js';

const refuse = complaint('DLE_INVALID_ARGUMENT', 'bad request');

/** Those whose control part is a map: all but a put. */
type MappedOp = Exclude<ClientRequest['op'], 'put'>;

/**
 * The fields of each op. A field that is not listed is refused, not skipped: a condition that an
 * older server ignored would turn a guarded write into a bare one.
 */
const FIELDS: Readonly<Record<MappedOp, ReadonlySet<string>>> = {
  del: new Set(['op', 'keyLength', 'checksum', 'forwarded']),
  get: new Set(['op', 'level', 'forwarded']),
  addMember: new Set(['op', 'id', 'address', 'forwarded']),
  promoteMember: new Set(['op', 'id', 'forwarded']),
  removeMember: new Set(['op', 'id', 'forwarded']),
  replaceMember: new Set(['op', 'id', 'by', 'forwarded']),
  transfer: new Set(['op', 'target', 'forwarded']),
  status: new Set(['op']),
  dump: new Set(['op', 'cursor', 'maxBytes', 'level']),
  release: new Set(['op', 'cursor']),
};

/**
 * A request from outside, with everything in it checked: types, lengths, limits, checksum. Keys and
 * values of the result are views of `raw`, not copies.
 *
 * @throws DleError `DLE_INVALID_ARGUMENT`, `DLE_KEY_TOO_LARGE`, `DLE_VALUE_TOO_LARGE`,
 *   `DLE_CORRUPT` (the checksum is not that of key and value), and nothing else.
 */
export function parseRequest(control: unknown, raw: Uint8Array): ClientRequest {
  const fields = asFields(control, refuse);
  if (isEmpty(fields)) return parsePut(raw);
  const op = knownOp(fields.op);
  for (const name of Object.keys(fields)) {
    if (!FIELDS[op].has(name)) throw refuse(`${op} knows no such field: ${name.slice(0, 64)}`);
  }
  switch (op) {
    case 'del':
      return parseDel(fields, raw);
    case 'get':
      return parseGet(fields, raw);
    case 'addMember':
    case 'promoteMember':
    case 'removeMember':
    case 'replaceMember':
      refuseRaw(raw);
      return parseMembership(op, fields);
    case 'transfer': {
      refuseRaw(raw);
      const target = optional(fields, 'target', nodeId, refuse);
      return { op, target, forwarded: parseForwarded(fields) };
    }
    case 'status':
      refuseRaw(raw);
      return { op };
    case 'dump':
      return parseDump(fields, raw);
    case 'release':
      refuseRaw(raw);
      return { op, cursor: parseCursor(fields) };
  }
}

function isEmpty(fields: Fields): boolean {
  for (const _ in fields) return false;
  return true;
}

function parsePut(raw: Uint8Array): PutRequest {
  const { keyLength, checksum, forwarded } = readPutHead(raw, refuse);
  checkKeyLength(keyLength);
  const valueLength = raw.length - PUT_HEAD_BYTES - keyLength;
  if (valueLength < 0) throw refuse('its key is longer than what came with it');
  checkValueLength(valueLength);
  const start = raw.byteOffset + PUT_HEAD_BYTES;
  const key = new Uint8Array(raw.buffer, start, keyLength);
  const value = new Uint8Array(raw.buffer, start + keyLength, valueLength);
  checkSum(checksum, payloadChecksum(key, value));
  return { op: 'put', key, value, checksum, forwarded };
}

function parseDel(fields: Fields, raw: Uint8Array): DelRequest {
  const keyLength = wholeNumber(fields, 'keyLength', refuse);
  checkKeyLength(keyLength);
  if (keyLength !== raw.length) throw refuse('its key is not as long as what came with it');
  const checksum = wholeNumber(fields, 'checksum', refuse, 0xffff_ffff);
  checkSum(checksum, crc32(raw));
  return { op: 'del', key: raw, checksum, forwarded: parseForwarded(fields) };
}

function parseGet(fields: Fields, raw: Uint8Array): GetRequest {
  checkKeyLength(raw.length);
  const level = parseLevel(fields);
  return { op: 'get', key: raw, level, forwarded: parseForwarded(fields) };
}

function parseDump(fields: Fields, raw: Uint8Array): DumpRequest {
  refuseRaw(raw);
  const maxBytes = wholeNumber(fields, 'maxBytes', refuse, MAX_DUMP_PAGE_BYTES);
  if (maxBytes === 0) throw refuse('maxBytes must be at least 1');
  const cursor = optional(fields, 'cursor', parseCursor, refuse);
  return { op: 'dump', cursor, maxBytes, level: parseLevel(fields) };
}

function parseMembership(op: MembershipRequest['op'], fields: Fields): MembershipRequest {
  const common = { id: nodeId(fields, 'id'), forwarded: parseForwarded(fields) };
  switch (op) {
    case 'addMember':
      return { op, ...common, address: text(fields, 'address', refuse, MAX_ADDRESS_LENGTH) };
    case 'promoteMember':
    case 'removeMember':
      return { op, ...common };
    case 'replaceMember':
      return { op, ...common, by: nodeId(fields, 'by') };
  }
}

function nodeId(fields: Fields, name: string): number {
  const id = wholeNumber(fields, name, refuse, MAX_NODE_ID);
  if (id === 0) throw refuse(`${name} must be at least 1`);
  return id;
}

function knownOp(op: unknown): MappedOp {
  if (typeof op !== 'string') throw refuse('op must be a string');
  if (!Object.hasOwn(FIELDS, op)) throw refuse(`unknown op: ${op.slice(0, 64)}`);
  return op as MappedOp;
}

function parseLevel(fields: Fields): ReadLevel {
  const level = READ_LEVELS.find((known) => known === fields.level);
  if (level !== undefined) return level;
  throw refuse(`level must be one of ${READ_LEVELS.join(', ')}`);
}

function parseCursor(fields: Fields): string {
  const cursor = text(fields, 'cursor', refuse, MAX_CURSOR_LENGTH);
  if (cursor === '') throw refuse('cursor must not be empty');
  return cursor;
}

function parseForwarded(fields: Fields): boolean {
  return optional(fields, 'forwarded', flag, refuse) ?? false;
}

function checkSum(claimed: number, actual: number): void {
  if (claimed === actual) return;
  const message = 'key and value are not what the client took the checksum of; nothing is stored';
  throw new DleError('DLE_CORRUPT', message);
}

function refuseRaw(raw: Uint8Array): void {
  if (raw.length > 0) throw refuse('raw bytes where none belong');
}
