import { DleError } from '@dle/common';
import { PROTOCOL_RANGE } from './limits.js';
import type { Control, Hello, Welcome } from './types.js';

/** Reads the control of a hello. DLE_BAD_FRAME if it is none. */
export function readHello(control: Control): Hello {
  const { protocol, role, lane } = control;
  if (!isRange(protocol)) throw bad('hello', 'protocol');
  if (role !== 'client' && role !== 'member') throw bad('hello', 'role');
  if (typeof lane !== 'string') throw bad('hello', 'lane');
  const hello = {
    protocol,
    role,
    lane,
    cluster: text(control.cluster, 'hello', 'cluster'),
    node: nodeId(control.node, 'hello', 'node'),
    instance: text(control.instance, 'hello', 'instance'),
    target: nodeId(control.target, 'hello', 'target'),
  };
  return withoutUndefined(hello) as unknown as Hello;
}

/** Reads the control of a welcome. DLE_BAD_FRAME if it is none. */
export function readWelcome(control: Control): Welcome {
  const { protocol } = control;
  const node = nodeId(control.node, 'welcome', 'node');
  const instance = text(control.instance, 'welcome', 'instance');
  const cluster = text(control.cluster, 'welcome', 'cluster');
  if (typeof protocol !== 'number') throw bad('welcome', 'protocol');
  if (node === undefined) throw bad('welcome', 'node');
  if (instance === undefined) throw bad('welcome', 'instance');
  return withoutUndefined({ protocol, node, instance, cluster }) as unknown as Welcome;
}

/** DLE_HELLO_REFUSED unless both sides speak a common version of the protocol. */
export function checkProtocol(hello: Hello): void {
  const [lowest, highest] = hello.protocol;
  const [ownLowest, ownHighest] = PROTOCOL_RANGE;
  if (lowest <= ownHighest && highest >= ownLowest) return;
  throw new DleError(
    'DLE_HELLO_REFUSED',
    `it speaks protocol versions ${lowest} to ${highest}, this side ${ownLowest} to ${ownHighest}`,
  );
}

function isRange(value: unknown): value is readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [lowest, highest] = value;
  return Number.isSafeInteger(lowest) && Number.isSafeInteger(highest) && lowest <= highest;
}

function text(value: unknown, frame: string, field: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw bad(frame, field);
}

function nodeId(value: unknown, frame: string, field: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw bad(frame, field);
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function bad(frame: string, field: string): DleError {
  return new DleError('DLE_BAD_FRAME', `a ${frame} whose '${field}' is missing or makes no sense`);
}
