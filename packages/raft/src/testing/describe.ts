import type { Configuration, CoreEffect, Event, MembershipChange, Message } from '../core/types.js';
import type { TestBatch, TestEntry } from './test-entry.js';

/** `3@2` is the entry at index 3 of term 2. */
export function describeEntry(entry: TestEntry): string {
  const { configuration } = entry;
  const content =
    configuration === undefined ? entry.value || 'noop' : describeConfiguration(configuration);
  return `${entry.index}@${entry.term} ${content}`;
}

/** `voters 1 2 4, outgoing 1 2 3, learners 5`. */
export function describeConfiguration(configuration: Configuration): string {
  const { voters, outgoing = [], learners = [] } = configuration;
  const parts = [
    `voters ${voters.join(' ')}`,
    outgoing.length > 0 && `outgoing ${outgoing.join(' ')}`,
    learners.length > 0 && `learners ${learners.join(' ')}`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

export function describeMessage(message: Message): string {
  return `${message.from}→${message.to} ${message.type} term ${message.term}${detailsOf(message)}`;
}

function detailsOf(message: Message): string {
  switch (message.type) {
    case 'preVoteRequest':
      return `, last ${message.lastIndex}@${message.lastTerm}`;
    case 'voteRequest': {
      const { lastIndex, lastTerm, transfer } = message;
      return `, last ${lastIndex}@${lastTerm}${transfer ? ', by transfer' : ''}`;
    }
    case 'preVoteResponse':
    case 'voteResponse':
      return `${message.granted ? ', granted' : ', refused'}${markOf(message)}`;
    case 'appendRequest': {
      const { previousIndex, previousTerm, lastIndex, commit } = message;
      const entries =
        lastIndex > previousIndex ? `entries ${previousIndex + 1}-${lastIndex}` : 'no entries';
      return `, ${entries} after ${previousIndex}@${previousTerm}, commit ${commit}${roundOf(message)}`;
    }
    case 'appendResponse':
      return message.rejected
        ? `, rejects ${message.index}, try ${message.hintIndex}@${message.hintTerm}${roundOf(message)}`
        : `, has ${message.index}${roundOf(message)}`;
    case 'heartbeat':
      return `, commit ${message.commit}${roundOf(message)}`;
    case 'heartbeatResponse':
      return `${roundOf(message)}${markOf(message)}`;
    case 'timeoutNow':
      return '';
    case 'readIndexRequest':
      return `, request ${requestOf(message)}`;
    case 'readIndexResponse':
      return `, request ${requestOf(message)} at ${message.index}`;
  }
}

/** Without the random part. */
function requestOf({ request }: { readonly request: number }): number {
  return request % 2 ** 20;
}

function markOf({ lostData }: { readonly lostData: boolean }): string {
  return lostData ? ', has lost data' : '';
}

function roundOf(message: { readonly round: number }): string {
  return message.round === 0 ? '' : `, round ${message.round}`;
}

export function describeEvent(event: Event): string {
  switch (event.type) {
    case 'tick':
      return 'tick';
    case 'message':
      return `receives ${describeMessage(event.message)}`;
    case 'propose':
      return `proposes ${event.sizes.length}`;
    case 'read':
      return `is asked for ${event.level === undefined ? '' : `${event.level} `}read ${event.id}`;
    case 'flushed':
      return `has flushed write ${event.write}`;
    case 'campaign':
      return 'is told to campaign';
    case 'resign':
      return 'is told to lead no more';
    case 'transfer':
      return `is asked to hand over to ${event.target || 'anybody'}`;
    case 'snapshotEnded':
      return event.index === 0
        ? `hears that ${event.peer} got no snapshot`
        : `hears that ${event.peer} has the state at ${event.index}`;
    case 'purge':
      return `may purge up to ${event.index}`;
    case 'changeMembers':
      return `is asked to ${describeChange(event.change)}`;
  }
}

function describeChange({ members: _, ...lists }: MembershipChange): string {
  return Object.entries(lists)
    .map(([verb, ids]) => `${verb} ${ids.join(' ')}`)
    .join(', ');
}

export function describeEffect(effect: CoreEffect): string {
  switch (effect.type) {
    case 'saveVote':
      return `write ${effect.write}: term ${effect.term}, vote ${effect.vote}${effect.lostData ? ', lost data' : ''}`;
    case 'appendNoop':
      return `write ${effect.write}: ${effect.index}@${effect.term} noop`;
    case 'appendProposed': {
      const last = effect.firstIndex + effect.count - 1;
      return `write ${effect.write}: ${effect.firstIndex}-${last}@${effect.term}`;
    }
    case 'appendConfiguration': {
      const { write, index, term, configuration } = effect;
      return `write ${write}: ${index}@${term} ${describeConfiguration(configuration)}`;
    }
    case 'changeRefused':
      return `refuse the change (${effect.reason}): ${effect.message}`;
    case 'appendReceived': {
      const batch = effect.entries as TestBatch;
      const entries = batch.entries.slice(effect.fromIndex - batch.firstIndex);
      const what = entries.map(describeEntry).join(', ');
      return `write ${effect.write}: ${effect.replaces ? 'replace by ' : ''}${what}`;
    }
    case 'send':
      return `send ${describeMessage(effect.message)}`;
    case 'commit':
      return `apply up to ${effect.index}`;
    case 'readable':
      return `read ${effect.ids.join(' ')} at ${effect.index}`;
    case 'readRefused':
      return `refuse read ${effect.ids.join(' ')} (${effect.reason})`;
    case 'proposalRefused':
      return `refuse the proposal (${effect.reason})`;
    case 'transferStarted':
      return `hand over to ${effect.target}`;
    case 'transferRefused':
      return `refuse to hand over (${effect.reason}): ${effect.message}`;
    case 'transferFailed':
      return `${effect.target} did not take over in time`;
    case 'sendSnapshot':
      return `bring the state to ${effect.to}`;
    case 'purge':
      return `purge up to ${effect.base.index}@${effect.base.term}`;
    case 'role': {
      const leader = effect.leader === 0 ? 'no leader' : `leader ${effect.leader}`;
      return `${effect.role} in term ${effect.term}, ${leader}`;
    }
  }
}
