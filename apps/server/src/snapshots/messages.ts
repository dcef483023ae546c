import { DleError, EMPTY_BYTES } from '@dle/common';
import type { Control } from '@dle/net';
import type { BaseChunk, Floor } from '@dle/storage';

/*
 * The requests of the lane of snapshots, from the leader (docs/format.md, Snapshots):
 *   begin   term, index, entryTerm, bytes         raw: the floor's state
 *           → after (if anything is there), complete
 *   chunk   term, index, after, next (unless it is the first, the last)   raw: records
 *   finish  term, index
 *           → index: in force
 */

/** Which transfer: there is one leader in a term, and it brings a member one snapshot at a time. */
export interface TransferName {
  /** In which the sender leads. */
  readonly term: number;
  /** Of the last entry that the snapshot reflects. */
  readonly index: number;
}

export interface BeginRequest extends TransferName {
  readonly op: 'snapshotBegin';
  readonly floor: Floor;
  /** Of all records together, roughly. */
  readonly bytes: number;
}

export interface ChunkRequest extends TransferName {
  readonly op: 'snapshotChunk';
  readonly chunk: BaseChunk;
}

export interface FinishRequest extends TransferName {
  readonly op: 'snapshotFinish';
}

export type SnapshotRequest = BeginRequest | ChunkRequest | FinishRequest;

/** How far the receiver is. */
export interface Begun {
  /** The key behind which it goes on; `undefined`: with the first. */
  readonly after: Uint8Array | undefined;
  readonly complete: boolean;
}

export interface Sent {
  readonly control: Control;
  readonly raw: Uint8Array;
}

export function sentBegin({ term, floor, bytes }: BeginRequest): Sent {
  const { index, term: entryTerm, state } = floor;
  return { control: { op: 'snapshotBegin', term, index, entryTerm, bytes }, raw: state };
}

export function sentChunk({ term, index, chunk }: ChunkRequest): Sent {
  const { after, records, next } = chunk;
  return { control: { op: 'snapshotChunk', term, index, after, next }, raw: records };
}

export function sentFinish({ term, index }: FinishRequest): Sent {
  return { control: { op: 'snapshotFinish', term, index }, raw: EMPTY_BYTES };
}

/** A request from outside. @throws DleError `DLE_FORMAT` */
export function parseSnapshotRequest(control: Control, raw: Uint8Array): SnapshotRequest {
  const { op } = control;
  const name = { term: whole(control, 'term'), index: whole(control, 'index') };
  switch (op) {
    case 'snapshotBegin': {
      const floor = { index: name.index, term: whole(control, 'entryTerm'), state: raw };
      return { op, ...name, floor, bytes: whole(control, 'bytes') };
    }
    case 'snapshotChunk': {
      const [after, next] = [key(control, 'after'), key(control, 'next')];
      return { op, ...name, chunk: { after, records: raw, next } };
    }
    case 'snapshotFinish':
      return { op, ...name };
    default:
      throw new DleError('DLE_FORMAT', `'${String(op)}' is no request of the lane of snapshots`);
  }
}

/** The answer to a begin. @throws DleError `DLE_FORMAT` */
export function parseBegun(control: Control): Begun {
  const { complete } = control;
  if (typeof complete !== 'boolean') throw bad('complete must be true or false');
  return { after: key(control, 'after'), complete };
}

function whole(control: Control, name: string): number {
  const value = control[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw bad(`${name} must be a whole number`);
}

function key(control: Control, name: string): Uint8Array | undefined {
  const value = control[name];
  if (value === undefined || value === null) return undefined;
  if (value instanceof Uint8Array) return value;
  throw bad(`${name} must be bytes`);
}

function bad(message: string): DleError {
  return new DleError('DLE_FORMAT', `bad message of a snapshot: ${message}`);
}
