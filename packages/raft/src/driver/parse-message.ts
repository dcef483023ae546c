import { DleError } from '@dle/common';
import type { Message } from '../core/types.js';

/** Fields of each message, beside `from`, `to` and `term`. */
const FIELDS: Record<Message['type'], { numbers: readonly string[]; flags: readonly string[] }> = {
  preVoteRequest: { numbers: ['lastIndex', 'lastTerm'], flags: [] },
  preVoteResponse: { numbers: [], flags: ['granted', 'lostData'] },
  voteRequest: { numbers: ['lastIndex', 'lastTerm'], flags: ['transfer'] },
  voteResponse: { numbers: [], flags: ['granted', 'lostData'] },
  appendRequest: {
    numbers: ['previousIndex', 'previousTerm', 'lastIndex', 'commit', 'round'],
    flags: [],
  },
  appendResponse: { numbers: ['index', 'hintIndex', 'hintTerm', 'round'], flags: ['rejected'] },
  heartbeat: { numbers: ['commit', 'round'], flags: [] },
  heartbeatResponse: { numbers: ['round'], flags: ['lostData'] },
  timeoutNow: { numbers: [], flags: [] },
  readIndexRequest: { numbers: ['request'], flags: [] },
  readIndexResponse: { numbers: ['request', 'index'], flags: [] },
};

/**
 * A message from outside, its form checked: known type, every field there, numbers safe integers
 * from 0.
 * What the numbers mean is the core's to judge.
 *
 * @throws DleError `DLE_FORMAT`
 */
export function parseMessage(control: Readonly<Record<string, unknown>>): Message {
  const { type } = control;
  if (typeof type !== 'string' || !Object.hasOwn(FIELDS, type)) {
    throw new DleError('DLE_FORMAT', `unknown consensus message: ${String(type).slice(0, 64)}`);
  }
  const { numbers, flags } = FIELDS[type as Message['type']];
  for (const name of ['from', 'to', 'term', ...numbers]) {
    const value = control[name];
    if (!Number.isSafeInteger(value) || (value as number) < 0) {
      throw new DleError('DLE_FORMAT', `${type}: ${name} must be a whole number`);
    }
  }
  for (const name of flags) {
    if (typeof control[name] !== 'boolean') {
      throw new DleError('DLE_FORMAT', `${type}: ${name} must be true or false`);
    }
  }
  return control as unknown as Message;
}
