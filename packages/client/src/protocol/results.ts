import { EMPTY_CONTROL } from '@dle/net';
import { asFields, complaint, type Fields, flag, optional, text, wholeNumber } from './fields.js';
import { MAX_CURSOR_LENGTH } from './limits.js';
import { checkPairs } from './pairs.js';
import { encodeIndex, readIndex } from './put-head.js';
import type { Envelope } from './requests.js';

/**
 * Where a client learns of the leader: the name of a field that holds its `host:port`. It stands in
 * the `details` of an error `DLE_NOT_LEADER`, in those of `DLE_UNAVAILABLE` where a node has failed
 * (any other member, if that knows no leader), and in the result of what a follower has passed on.
 * A client that follows it saves a hop; one that does not is served all the same.
 */
export const LEADER_HINT = 'leader';

interface Hinted {
  /** `host:port` of the leader, where the node that answered is not the leader itself. */
  readonly leader?: string | undefined;
}

export interface PutResult extends Hinted {
  /** Of the entry in the log. */
  readonly index: number;
}

export interface ChangeResult extends Hinted {
  /** Of the configuration in the log that says so. */
  readonly index: number;
}

export interface TransferResult extends Hinted {
  /** The node that leads now. */
  readonly node: number;
}

export interface DelResult extends Hinted {
  /** Of the entry in the log; deleting what is not there takes an entry too. */
  readonly index: number;
  /** Whether there was such a key just before. */
  readonly existed: boolean;
}

export interface GetResult extends Hinted {
  /** `undefined`: there is no such key. A view of the message it came in. */
  readonly value: Uint8Array | undefined;
}

export interface DumpPage {
  /** Asks for the next page; absent at the end. */
  readonly cursor?: string | undefined;
  /** Number of pairs; may be 0. */
  readonly count: number;
  /** The index whose state all pages of this dump show. */
  readonly index: number;
  /** As `PairsWriter` makes them and `readPairs` reads them. */
  readonly pairs: Uint8Array;
}

const distrust = complaint('DLE_FORMAT', 'bad answer');

// A field that is `undefined` is left out on the way, as `@dle/net` promises.

export function putResult({ index, leader }: PutResult): Envelope {
  const control = leader === undefined ? EMPTY_CONTROL : { leader };
  return { control, raw: [encodeIndex(index)] };
}

export function changeResult(result: ChangeResult): Envelope {
  return { control: { index: result.index, leader: result.leader }, raw: [] };
}

export function transferResult(result: TransferResult): Envelope {
  return { control: { node: result.node, leader: result.leader }, raw: [] };
}

export function delResult(result: DelResult): Envelope {
  const { index, existed, leader } = result;
  return { control: { index, existed, leader }, raw: [] };
}

export function getResult(result: GetResult): Envelope {
  const { value, leader } = result;
  const control = { found: value !== undefined, leader };
  return { control, raw: value === undefined ? [] : [value] };
}

export function dumpResult(page: DumpPage): Envelope {
  const { cursor, count, index, pairs } = page;
  return { control: { cursor, count, index }, raw: [pairs] };
}

/** The answer to `release`. */
export function emptyResult(): Envelope {
  return { control: {}, raw: [] };
}

/** @throws DleError `DLE_FORMAT` */
export function parsePutResult(control: unknown, raw: Uint8Array): PutResult {
  const fields = asFields(control, distrust);
  return { index: readIndex(raw, distrust), leader: parseHint(fields) };
}

/** @throws DleError `DLE_FORMAT` */
export function parseChangeResult(control: unknown): ChangeResult {
  const fields = asFields(control, distrust);
  return { index: wholeNumber(fields, 'index', distrust), leader: parseHint(fields) };
}

/** @throws DleError `DLE_FORMAT` */
export function parseTransferResult(control: unknown): TransferResult {
  const fields = asFields(control, distrust);
  return { node: wholeNumber(fields, 'node', distrust), leader: parseHint(fields) };
}

/** @throws DleError `DLE_FORMAT` */
export function parseDelResult(control: unknown): DelResult {
  const fields = asFields(control, distrust);
  const index = wholeNumber(fields, 'index', distrust);
  return { index, existed: flag(fields, 'existed', distrust), leader: parseHint(fields) };
}

/** @throws DleError `DLE_FORMAT` */
export function parseGetResult(control: unknown, raw: Uint8Array): GetResult {
  const fields = asFields(control, distrust);
  const found = flag(fields, 'found', distrust);
  if (!found && raw.length > 0) throw distrust('a value for a key that was not found');
  return { value: found ? raw : undefined, leader: parseHint(fields) };
}

/** @throws DleError `DLE_FORMAT` */
export function parseDumpPage(control: unknown, raw: Uint8Array): DumpPage {
  const fields = asFields(control, distrust);
  const count = wholeNumber(fields, 'count', distrust);
  checkPairs(raw, count);
  return {
    cursor: optional(fields, 'cursor', cursorField, distrust),
    count,
    index: wholeNumber(fields, 'index', distrust),
    pairs: raw,
  };
}

function cursorField(fields: Fields, name: string): string {
  return text(fields, name, distrust, MAX_CURSOR_LENGTH);
}

function parseHint(fields: Fields): string | undefined {
  return optional(fields, LEADER_HINT, text, distrust);
}
