import { isSound } from './configuration.js';
import { MAX_TERM } from './core-state.js';
import type { AppendRequest, EntryBatch, Message } from './types.js';

/** Fields of each message that are indexes, terms or rounds. */
const NUMBERS: { readonly [Type in Message['type']]: readonly string[] } = {
  preVoteRequest: ['lastIndex', 'lastTerm'],
  preVoteResponse: [],
  voteRequest: ['lastIndex', 'lastTerm'],
  voteResponse: [],
  appendRequest: ['previousIndex', 'previousTerm', 'lastIndex', 'commit', 'round'],
  appendResponse: ['index', 'hintIndex', 'hintTerm', 'round'],
  heartbeat: ['commit', 'round'],
  heartbeatResponse: ['round'],
  timeoutNow: [],
  readIndexRequest: ['request'],
  readIndexResponse: ['request', 'index'],
};

/**
 * Whether a message can have come from a peer that works as it should. One that cannot is ignored,
 * like one that was lost: what a peer sends must not bring this node down.
 */
export function isWellFormed(message: Message, entries: EntryBatch | undefined): boolean {
  const { type, from, term } = message;
  if (!Object.hasOwn(NUMBERS, type)) return false;
  if (!Number.isSafeInteger(from) || from < 1) return false;
  // Nobody leads or is elected in term 0, but a node may still be in it and refuse a pre-vote.
  const lowestTerm = type === 'preVoteResponse' ? 0 : 1;
  if (!Number.isSafeInteger(term) || term < lowestTerm || term >= MAX_TERM) return false;
  const fields = message as unknown as Readonly<Record<string, unknown>>;
  for (const name of NUMBERS[type]) {
    const value = fields[name];
    if (!Number.isSafeInteger(value) || (value as number) < 0) return false;
  }
  return type === 'appendRequest' ? carriesItsEntries(message, entries) : entries === undefined;
}

function carriesItsEntries(message: AppendRequest, entries: EntryBatch | undefined): boolean {
  const { previousIndex, previousTerm, lastIndex, term } = message;
  if (previousTerm > term) return false;
  if (entries === undefined) return lastIndex === previousIndex;
  if (entries.firstIndex !== previousIndex + 1 || entries.count < 1) return false;
  if (entries.firstIndex + entries.count - 1 !== lastIndex) return false;
  let lastTerm = previousTerm;
  for (let index = entries.firstIndex; index <= lastIndex; index++) {
    const entryTerm = entries.termAt(index);
    if (!(entryTerm >= lastTerm && entryTerm <= term)) return false;
    lastTerm = entryTerm;
  }
  return entries.configurations.every(({ configuration }) => isSound(configuration));
}
