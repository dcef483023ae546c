import { isJoint, membersOf, votersOf } from '../core/configuration.js';
import type { CoreEffect, Event, IndexedConfiguration, Message, Role } from '../core/types.js';
import type { TestNode } from './test-node.js';

/** What a run may come across; a simulation that never sees one of them does not test it. */
const BRANCHES = [
  'leader elected',
  'election without a winner',
  'leader deposed by a newer term',
  'leader without a quorum stepped down',
  'leader with a hanging disk stepped down',
  'leader with a failed disk stepped down',
  'pre-vote refused',
  'vote refused',
  'vote withheld',
  'vote held back until flushed',
  'entries replaced',
  'entries replaced before they were flushed',
  'entries skipped that were there',
  'append rejected, log too short',
  'append rejected, other term',
  'request of an older term answered',
  'asked whether a window arrived',
  'commit ahead of own device',
  'older term committed along',
  'proposal refused: notLeader',
  'proposal refused: transferring',
  'proposal refused: overloaded',
  'transfer begun',
  'transfer waited for its target',
  'transfer failed',
  'transfer refused: transferUnderWay',
  'transfer refused: notCaughtUp',
  'transfer refused: invalid',
  'leadership handed over',
  'joint configuration begun',
  'joint configuration left',
  'joint configuration of another leader left',
  'configuration replaced',
  'learner added or removed',
  'leader removed itself',
  'removed node was told',
  'change refused: notReady',
  'change refused: changeUnderWay',
  'change refused: transferring',
  'change refused: notCaughtUp',
  'change refused: wouldLoseQuorum',
  'change refused: invalid',
  'read confirmed',
  'reads shared a round',
  'read served by lease',
  'lease read without a lease',
  'follower read asked of the leader',
  'follower read confirmed',
  'follower read asked again',
  'follower read refused: notLeader',
  'follower read refused: noAnswer',
  'read refused when asked',
  'read refused on step-down',
  'crash lost a vote',
  'crash lost entries',
  'log purged',
  'snapshot begun',
  'snapshot installed',
  'snapshot not wanted',
  'snapshot came to nothing',
  'disk wiped',
  'lost data regained',
] as const;

export type Branch = (typeof BRANCHES)[number];

/** What a node was before it stepped, as far as it matters for what the step was. */
interface Before {
  readonly role: Role;
  readonly term: number;
  readonly commit: number;
  readonly hadUnflushed: boolean;
  readonly lostData: boolean;
  readonly configuration: IndexedConfiguration | undefined;
}

/** Counts how often runs took each rare branch, as it shows from outside of the core. */
export class Coverage {
  readonly #counts: Map<Branch, number> = new Map(BRANCHES.map((branch) => [branch, 0]));
  readonly #before = new Map<TestNode, Before>();

  get counts(): ReadonlyMap<Branch, number> {
    return this.#counts;
  }

  add(other: Coverage): void {
    for (const [branch, count] of other.counts) this.#count(branch, count);
  }

  /** Looks at a node that has started, or taken a step. */
  look(node: TestNode): void {
    const { role, term, commit, configuration, lostData } = node.core;
    const hadUnflushed = node.log.unflushed > 0;
    this.#before.set(node, { role, term, commit, hadUnflushed, configuration, lostData });
  }

  /**
   * A node is about to lose its memory, and all but the first `keep` writes that are not flushed.
   */
  crashing(node: TestNode, keep: number): void {
    const { entries, durable, unflushed } = node.log;
    if (keep >= unflushed) return;
    if (entries.at(-1) !== durable.entries.at(-1)) this.#count('crash lost entries');
    if (node.core.vote !== durable.vote) this.#count('crash lost a vote');
  }

  /** Something happened that does not show in a step. */
  note(branch: Branch): void {
    this.#count(branch);
  }

  stepped(node: TestNode, event: Event, effects: readonly CoreEffect[]): void {
    const before = this.#before.get(node)!;
    this.#roles(node, before, event, effects);
    if (node.leads && node.core.commit > before.commit) this.#committed(node, before);
    if (event.type === 'message') this.#received(node, event.message, effects);
    if (isLeaseRead(event) && node.leads && !effects.some(({ type }) => type === 'readable')) {
      this.#count('lease read without a lease');
    }
    for (const effect of effects) this.#effect(node, before, event, effect);
    this.look(node);
  }

  #roles(node: TestNode, before: Before, event: Event, effects: readonly CoreEffect[]): void {
    const { role, term } = node.core;
    if (before.role === 'leader' && role !== 'leader') {
      if (term > before.term) this.#count('leader deposed by a newer term');
      else if (event.type === 'resign') this.#count('leader with a failed disk stepped down');
      else if (event.type === 'tick' && effects.some(isInvited)) {
        this.#count('leader with a hanging disk stepped down');
      } else if (hasLeft(node)) this.#count('leader removed itself');
      else this.#count('leader without a quorum stepped down');
    }
    const isVoid = role === 'preCandidate' || (role === 'follower' && term === before.term);
    if (before.role === 'candidate' && isVoid) this.#count('election without a winner');
  }

  #committed(node: TestNode, before: Before): void {
    const { durable, entries } = node.log;
    if (durable.entries.length < node.core.commit) this.#count('commit ahead of own device');
    if (entries[before.commit]!.term < node.core.term) this.#count('older term committed along');
  }

  #received(node: TestNode, message: Message, effects: readonly CoreEffect[]): void {
    const has = (type: CoreEffect['type']): boolean => effects.some((found) => found.type === type);
    const isNewer = message.term > node.core.term;
    switch (message.type) {
      case 'voteRequest':
        if (isNewer) this.#count('vote withheld');
        else if (has('saveVote') && !has('send')) this.#count('vote held back until flushed');
        break;
      case 'appendRequest': {
        const { previousIndex, previousTerm, lastIndex } = message;
        const fits = node.log.entries[previousIndex - 1]?.term === previousTerm;
        if (message.from === node.core.leader && fits && lastIndex > previousIndex) {
          if (!has('appendReceived')) this.#count('entries skipped that were there');
        }
        break;
      }
      case 'heartbeatResponse':
        if (has('send')) this.#count('asked whether a window arrived');
        break;
    }
  }

  #effect(node: TestNode, before: Before, event: Event, effect: CoreEffect): void {
    switch (effect.type) {
      case 'role':
        if (effect.role === 'leader') this.#count('leader elected');
        if (effect.role === 'candidate' && isInvitation(event)) {
          this.#count('leadership handed over');
        }
        break;
      case 'saveVote':
        if (before.lostData && !effect.lostData) this.#count('lost data regained');
        break;
      case 'appendReceived':
        if (!effect.replaces) break;
        this.#count('entries replaced');
        if (before.hadUnflushed) this.#count('entries replaced before they were flushed');
        if ((before.configuration?.index ?? 0) >= effect.fromIndex) {
          this.#count('configuration replaced');
        }
        break;
      case 'transferStarted':
        this.#count('transfer begun');
        break;
      case 'transferFailed':
        this.#count('transfer failed');
        break;
      case 'transferRefused':
        if (effect.reason !== 'notLeader') this.#count(`transfer refused: ${effect.reason}`);
        break;
      case 'appendConfiguration':
        this.#configured(node, before, event);
        break;
      case 'changeRefused':
        if (effect.reason !== 'notLeader') this.#count(`change refused: ${effect.reason}`);
        break;
      case 'commit':
        if (!node.leads && hasLeft(node) && before.commit < node.core.configuration!.index) {
          this.#count('removed node was told');
        }
        break;
      case 'send':
        this.#sent(node, event, effect.message);
        break;
      case 'proposalRefused':
        this.#count(`proposal refused: ${effect.reason}`);
        break;
      case 'readable':
        if (isLeaseRead(event) && !isAlone(node)) {
          this.#count('read served by lease');
        } else if (node.leads) this.#count('read confirmed');
        else this.#count('follower read confirmed');
        if (effect.ids.length > 1) this.#count('reads shared a round');
        break;
      case 'readRefused':
        if (event.type === 'read') this.#count('read refused when asked');
        else if (before.role === 'leader') this.#count('read refused on step-down');
        else if (effect.reason !== 'overloaded') {
          this.#count(`follower read refused: ${effect.reason}`);
        }
        break;
    }
  }

  #configured(node: TestNode, before: Before, event: Event): void {
    const { configuration } = node.core.configuration!;
    const last = before.configuration!;
    if (isJoint(configuration)) this.#count('joint configuration begun');
    else if (event.type === 'changeMembers') this.#count('learner added or removed');
    else {
      this.#count('joint configuration left');
      if (node.log.entries[last.index - 1]!.term < node.core.term) {
        this.#count('joint configuration of another leader left');
      }
    }
  }

  #sent(node: TestNode, event: Event, message: Message): void {
    if (message.type === 'preVoteResponse' && !message.granted) this.#count('pre-vote refused');
    if (message.type === 'voteResponse' && !message.granted) this.#count('vote refused');
    if (message.type === 'readIndexRequest') {
      if (event.type === 'read') this.#count('follower read asked of the leader');
      else if (event.type === 'message' && event.message.type === 'heartbeat') {
        this.#count('follower read asked again');
      }
    }
    if (message.type === 'timeoutNow' && event.type === 'message' && node.leads) {
      this.#count('transfer waited for its target');
    }
    if (message.type !== 'appendResponse' || !message.rejected) return;
    if (event.type === 'message' && event.message.term < message.term) {
      this.#count('request of an older term answered');
    } else if (message.index > node.core.lastIndex) this.#count('append rejected, log too short');
    else this.#count('append rejected, other term');
  }

  #count(branch: Branch, times: number = 1): void {
    this.#counts.set(branch, this.#counts.get(branch)! + times);
  }
}

/** Whether it knows that it is no member any more. */
function hasLeft({ id, core }: TestNode): boolean {
  const { index, configuration } = core.configuration ?? {};
  if (configuration === undefined || index! > core.commit) return false;
  return !membersOf(configuration).includes(id);
}

function isInvitation(event: Event): boolean {
  return event.type === 'message' && event.message.type === 'timeoutNow';
}

function isLeaseRead(event: Event): boolean {
  return event.type === 'read' && event.level === 'lease';
}

function isAlone({ core }: TestNode): boolean {
  return votersOf(core.configuration!.configuration).length === 1;
}

function isInvited(effect: CoreEffect): boolean {
  return effect.type === 'send' && effect.message.type === 'timeoutNow';
}
