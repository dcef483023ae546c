import { crc32, DleError, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@dle/common';
import { EMPTY_CONTROL } from '@dle/net';
import { encodePutHead } from './put-head.js';

/**
 * How fresh a read is, and what that costs.
 * - `linearizable`: it sees every write that was acknowledged before it began; the leader asks a
 *   majority whether it still leads.
 * - `lease`: the same, as long as no clock of a member runs far slower or faster than the others';
 *   the leader answers without asking anybody.
 * - `follower`: as `linearizable`, answered by the node that is asked, which learns from the leader
 *   how far it has to be.
 * - `stale`: what the node that is asked has applied, whatever the others know.
 */
export type ReadLevel = 'linearizable' | 'lease' | 'follower' | 'stale';

export const READ_LEVELS: readonly ReadLevel[] = ['linearizable', 'lease', 'follower', 'stale'];

/** Whether a read of this level is the leader's to answer. */
export function isLeadersRead(level: ReadLevel): boolean {
  return level === 'linearizable' || level === 'lease';
}

/**
 * One message as `@dle/net` takes it: control is encoded with msgpack, raw parts are sent as they
 * are.
 */
export interface Envelope {
  readonly control: Readonly<Record<string, unknown>>;
  /** Sent one after the other; not copied, so not to be changed before the request is done. */
  readonly raw: readonly Uint8Array[];
}

/** What every request that a member may pass on for a client has. */
interface Forwardable {
  /**
   * A member passes it on for a client: it is to be answered here or not at all, never passed on
   * again.
   */
  readonly forwarded: boolean;
}

export interface PutRequest extends Forwardable {
  readonly op: 'put';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /**
   * CRC-32 of key ‖ value, made by the client, found right on arrival: it goes into the record as
   * it is.
   */
  readonly checksum: number;
}

export interface DelRequest extends Forwardable {
  readonly op: 'del';
  readonly key: Uint8Array;
  /** CRC-32 of the key. */
  readonly checksum: number;
}

export interface GetRequest extends Forwardable {
  readonly op: 'get';
  readonly key: Uint8Array;
  readonly level: ReadLevel;
}

/** Make a new, empty node a member that gets the log and does not vote. */
export interface AddMemberRequest extends Forwardable {
  readonly op: 'addMember';
  readonly id: number;
  /** `host:port` where it can be asked who it is. */
  readonly address: string;
}

/** Let a member vote that does not yet. */
export interface PromoteMemberRequest extends Forwardable {
  readonly op: 'promoteMember';
  readonly id: number;
}

export interface RemoveMemberRequest extends Forwardable {
  readonly op: 'removeMember';
  readonly id: number;
}

/** Remove a member and give its place to another that does not vote yet, in one step. */
export interface ReplaceMemberRequest extends Forwardable {
  readonly op: 'replaceMember';
  readonly id: number;
  readonly by: number;
}

/** Let another voter lead. */
export interface TransferRequest extends Forwardable {
  readonly op: 'transfer';
  /** `undefined`: the one that holds most. */
  readonly target: number | undefined;
}

export type MembershipRequest =
  | AddMemberRequest
  | PromoteMemberRequest
  | RemoveMemberRequest
  | ReplaceMemberRequest;

/** What only the leader can do. */
export type LeaderRequest =
  | PutRequest
  | DelRequest
  | GetRequest
  | MembershipRequest
  | TransferRequest;

export interface StatusRequest {
  readonly op: 'status';
}

/** One page of all pairs, as they were at one index. Answered by the node that is asked. */
export interface DumpRequest {
  readonly op: 'dump';
  /** Where the page before ended; absent at first, which fixes the index of the whole dump. */
  readonly cursor: string | undefined;
  /** Bytes of pairs wanted, 1 to MAX_DUMP_PAGE_BYTES; a single larger pair comes alone. */
  readonly maxBytes: number;
  /** Counts in the first request of a dump. */
  readonly level: ReadLevel;
}

/** The client needs no more of a dump: what the node holds for `cursor` can go. */
export interface ReleaseRequest {
  readonly op: 'release';
  readonly cursor: string;
}

export type ClientRequest = LeaderRequest | StatusRequest | DumpRequest | ReleaseRequest;

/** CRC-32 of key ‖ value: the payload checksum of the record it becomes. */
export function payloadChecksum(key: Uint8Array, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

/** @throws DleError `DLE_KEY_TOO_LARGE` */
export function checkKeyLength(length: number): void {
  if (length > MAX_KEY_BYTES) {
    const message = `the key has ${length} bytes; the limit is ${MAX_KEY_BYTES}`;
    throw new DleError('DLE_KEY_TOO_LARGE', message);
  }
}

/** @throws DleError `DLE_VALUE_TOO_LARGE` */
export function checkValueLength(length: number): void {
  if (length > MAX_VALUE_BYTES) {
    const message = `the value has ${length} bytes; the limit is ${MAX_VALUE_BYTES}`;
    throw new DleError('DLE_VALUE_TOO_LARGE', message);
  }
}

/** @throws DleError `DLE_KEY_TOO_LARGE`, `DLE_VALUE_TOO_LARGE` */
export function putRequest(key: Uint8Array, value: Uint8Array): Envelope {
  checkKeyLength(key.length);
  checkValueLength(value.length);
  const checksum = payloadChecksum(key, value);
  return putEnvelope({ key, value, checksum, forwarded: false });
}

function putEnvelope(request: Omit<PutRequest, 'op'>): Envelope {
  const { key, value, checksum, forwarded } = request;
  const head = encodePutHead({ keyLength: key.length, checksum, forwarded });
  return { control: EMPTY_CONTROL, raw: [head, key, value] };
}

/** @throws DleError `DLE_KEY_TOO_LARGE` */
export function delRequest(key: Uint8Array): Envelope {
  checkKeyLength(key.length);
  return { control: { op: 'del', keyLength: key.length, checksum: crc32(key) }, raw: [key] };
}

/** @throws DleError `DLE_KEY_TOO_LARGE` */
export function getRequest(key: Uint8Array, level: ReadLevel): Envelope {
  checkKeyLength(key.length);
  return { control: { op: 'get', level }, raw: [key] };
}

export function statusRequest(): Envelope {
  return { control: { op: 'status' }, raw: [] };
}

export function dumpRequest(
  maxBytes: number,
  level: ReadLevel,
  cursor: string | undefined,
): Envelope {
  return { control: { op: 'dump', cursor, maxBytes, level }, raw: [] };
}

export function releaseRequest(cursor: string): Envelope {
  return { control: { op: 'release', cursor }, raw: [] };
}

export function addMemberRequest(id: number, address: string): Envelope {
  return { control: { op: 'addMember', id, address }, raw: [] };
}

export function promoteMemberRequest(id: number): Envelope {
  return { control: { op: 'promoteMember', id }, raw: [] };
}

export function removeMemberRequest(id: number): Envelope {
  return { control: { op: 'removeMember', id }, raw: [] };
}

export function replaceMemberRequest(id: number, by: number): Envelope {
  return { control: { op: 'replaceMember', id, by }, raw: [] };
}

export function transferRequest(target: number | undefined): Envelope {
  return { control: { op: 'transfer', target }, raw: [] };
}

/** The same request, as a member passes it on to the leader for a client. */
export function forwardRequest(request: LeaderRequest): Envelope {
  if (request.op === 'put') return putEnvelope({ ...request, forwarded: true });
  const { control, raw } = envelopeOf(request);
  return { control: { ...control, forwarded: true }, raw };
}

function envelopeOf(request: Exclude<LeaderRequest, PutRequest>): Envelope {
  switch (request.op) {
    case 'del': {
      const { key, checksum } = request;
      return { control: { op: 'del', keyLength: key.length, checksum }, raw: [key] };
    }
    case 'get':
      return { control: { op: 'get', level: request.level }, raw: [request.key] };
    case 'addMember':
      return addMemberRequest(request.id, request.address);
    case 'promoteMember':
      return promoteMemberRequest(request.id);
    case 'removeMember':
      return removeMemberRequest(request.id);
    case 'replaceMember':
      return replaceMemberRequest(request.id, request.by);
    case 'transfer':
      return transferRequest(request.target);
  }
}
