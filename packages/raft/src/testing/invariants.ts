import { isJoint, membersOf, votersOf } from '../core/configuration.js';
import type {
  Configuration,
  CoreEffect,
  CoreOptions,
  Event,
  Message,
  NodeId,
} from '../core/types.js';
import { check } from './check.js';
import { Contacts } from './contacts.js';
import { OpenReads } from './open-reads.js';
import type { TestEntry } from './test-entry.js';
import type { TestNode } from './test-node.js';

/** What one node has let be known, which it must never take back, not even by a crash. */
interface Known {
  life: number;
  term: number;
  commit: number;
  isIdle: boolean;
  /** When its disk began with something after it was idle, or was last done with something. */
  busySince: number;
  /** When it began to hand over leadership. */
  transferSince: number;
  /** The highest term it has spoken of as its own. */
  spokenTerm: number;
  /** Whom it voted for, by term. */
  readonly votes: Map<number, NodeId>;
}

/**
 * Holds a cluster against the promises of Raft (paper figure 3, and what follows from it), after
 * each step and with a cost that does not grow with the history:
 *
 * - election safety: one leader a term; one vote a term and node, crashes included;
 * - log matching: an entry is known by index and term, and shares what precedes it;
 * - leader completeness: a new leader holds everything committed in earlier terms;
 * - state machine safety: what is committed at an index is so on every node and for ever;
 * - only a leader commits first, an entry of its term, with a majority holding it on their devices,
 *   where it
 *   stays from then on;
 * - what a message says is durable when it leaves;
 * - terms and commit indexes never fall; what is applied is durable here;
 * - a read is answered once, at an index that covers everything committed before it began;
 * - voters change through a joint configuration only, one change at a time, and on a leader that
 *   has
 *   committed in its own term; whoever is removed leads no more;
 * - whoever leads has a disk that writes;
 * - what may be purged is applied, and what is kept is bounded in bytes;
 * - nobody misses what it has acknowledged, unless its disk was wiped;
 * - whoever hands over takes no entries, and not for longer than an election timeout;
 * - what `Contacts` holds a cluster against.
 */
export class Invariants {
  readonly #nodes: readonly TestNode[];
  readonly #options: Omit<CoreOptions, 'id'>;
  /** Who had to hold what was committed last: its leader's configuration. */
  #holders: Configuration = { voters: [] };
  readonly #contacts: Contacts;
  readonly #known = new Map<NodeId, Known>();
  readonly #forgetful = new Set<NodeId>();
  readonly #leaders = new Map<number, NodeId>();
  readonly #entries = new Map<string, TestEntry>();
  readonly #committed: TestEntry[] = [];
  /** In which term each of `#committed` was committed; they never fall. */
  readonly #committedIn: number[] = [];
  readonly #reads = new OpenReads();

  /** @param clock what the clock of a node shows. */
  constructor(
    nodes: readonly TestNode[],
    options: Omit<CoreOptions, 'id'>,
    clock: (node: TestNode) => number,
  ) {
    this.#nodes = nodes;
    this.#options = options;
    this.#contacts = new Contacts(nodes, options, clock);
    for (const node of nodes) {
      const nothing = {
        life: 0,
        term: 0,
        commit: 0,
        transferSince: 0,
        isIdle: true,
        busySince: 0,
        spokenTerm: 0,
      };
      this.#known.set(node.id, { ...nothing, votes: new Map() });
      for (const entry of node.log.entries) this.#register(node, entry);
    }
  }

  /** Everything committed so far, in order. */
  get committed(): readonly TestEntry[] {
    return this.#committed;
  }

  /** The one committed last, and all that may be yet: somebody may still be sent them. */
  get possibleConfigurations(): readonly Configuration[] {
    const last = this.#committed.findLast(({ configuration }) => configuration !== undefined);
    const later = [...this.#entries.values()].filter(({ index }) => index > this.#committed.length);
    return [last, ...later].flatMap((entry) => entry?.configuration ?? []);
  }

  /** Reads without an answer yet. */
  get openReads(): number {
    return this.#reads.count;
  }

  /** A read is about to be asked of a node. */
  readBegins(node: TestNode, id: number): void {
    this.#reads.begin(node.id, id, this.#committed.length);
  }

  /** A node has crashed; nobody will answer its reads. */
  crashed(node: TestNode): void {
    this.#reads.forget(node.id);
    this.#checkCommittedIsDurable();
  }

  /** The disk of a node has lost what was flushed, and nothing tells of it. */
  forgot(node: TestNode): void {
    this.#forgetful.add(node.id);
  }

  /** A node has started again. */
  started(node: TestNode): void {
    const known = this.#known.get(node.id)!;
    const { term, commit } = node.core;
    check(term >= known.spokenTerm, `node ${node.id} forgot term ${known.spokenTerm}`);
    known.life = node.life;
    known.term = term;
    known.commit = 0;
    this.#noteCommit(node, commit);
  }

  /** A node has taken a step, and its effects are carried out. */
  stepped(node: TestNode, event: Event, effects: readonly CoreEffect[]): void {
    const known = this.#known.get(node.id)!;
    const { term, commit, deadline } = node.core;
    check(term >= known.term, `node ${node.id}: term ${term} after ${known.term}`);
    known.term = term;
    for (const effect of effects) this.#checkEffect(node, known, event, effect);
    check(commit >= known.commit, `node ${node.id}: commit ${commit} after ${known.commit}`);
    if (commit > known.commit) this.#noteCommit(node, commit);
    check(!Number.isNaN(deadline), `node ${node.id} has no deadline`);
    if (event.type === 'tick') check(deadline > event.now, `node ${node.id} ticks without end`);
    this.#checkLeadsRightly(node);
    this.#checkDisk(node, known, event);
    this.#checkPurgeable(node);
    const problem = this.#contacts.stepped(node, event, effects);
    check(problem === undefined, `${problem}`);
    if (event.type === 'tick' && node.core.transferTarget !== 0) {
      const since = event.now - known.transferSince;
      check(since < this.#options.electionTimeoutMs, `node ${node.id} hands over for ${since} ms`);
    }
    this.#checkCommittedIsDurable();
  }

  /** Since the last flush there has been one write under way all the time: it is at least so old. */
  #checkDisk(node: TestNode, known: Known, event: Event): void {
    if (event.type === 'flushed' || known.isIdle) known.busySince = event.now;
    known.isIdle = node.log.unflushed === 0;
    if (event.type !== 'tick' || !node.leads) return;
    const since = event.now - known.busySince;
    check(
      since < this.#options.diskTimeoutMs,
      `node ${node.id} leads, its disk busy for ${since} ms`,
    );
  }

  /** Nothing is purged that is not applied, and no more is kept than may be. */
  #checkPurgeable(node: TestNode): void {
    const { purgeableIndex, lastIndex } = node.core;
    check(purgeableIndex <= node.applied, `node ${node.id} would purge what it has not applied`);
    const kept = node.log.entries.slice(purgeableIndex).reduce((sum, { bytes }) => sum + bytes, 0);
    const { logRetentionBytes, maxLogBytes } = this.#options;
    const most = node.leads ? maxLogBytes : logRetentionBytes;
    const isBounded = kept <= most || purgeableIndex === node.applied;
    check(isBounded, `node ${node.id} keeps ${kept} bytes of its log up to ${lastIndex}`);
  }

  #checkEffect(node: TestNode, known: Known, event: Event, effect: CoreEffect): void {
    switch (effect.type) {
      case 'role':
        if (effect.role === 'leader') this.#checkLeader(node, effect.term);
        break;
      case 'appendNoop':
        this.#checkAppended(node, known, effect.index, effect.index);
        break;
      case 'appendConfiguration':
        this.#checkAppended(node, known, effect.index, effect.index);
        this.#checkChange(node, effect.index, effect.configuration);
        break;
      case 'saveVote':
        check(
          !effect.lostData || node.log.durable.lostData || this.#forgetful.has(node.id),
          `node ${node.id} misses what it has acknowledged`,
        );
        break;
      case 'purge':
        check(effect.base.index <= node.applied, `node ${node.id} purges what is not applied`);
        break;
      case 'transferStarted':
        known.transferSince = event.now;
        break;
      case 'appendProposed':
        check(node.core.transferTarget === 0, `node ${node.id} takes entries while it hands over`);
        this.#checkAppended(node, known, effect.firstIndex, effect.firstIndex + effect.count - 1);
        break;
      case 'appendReceived': {
        const { entries, fromIndex } = effect;
        this.#checkAppended(node, known, fromIndex, entries.firstIndex + entries.count - 1);
        break;
      }
      case 'send':
        this.#checkSent(node, known, effect.message);
        break;
      case 'commit':
        this.#checkApplied(node, effect.index);
        break;
      case 'readable':
        for (const id of effect.ids) this.#checkReadable(node, id, effect.index);
        break;
      case 'readRefused':
        for (const id of effect.ids) this.#reads.end(id);
        break;
    }
  }

  #checkLeader(node: TestNode, term: number): void {
    const other = this.#leaders.get(term);
    check(other === undefined, `nodes ${other} and ${node.id} both lead term ${term}`);
    this.#leaders.set(term, node.id);
    // A leader of an older term may learn late that it was elected, and lacks what came after its
    // term.
    const last = this.#committed[this.#committedIn.findLastIndex((earlier) => earlier < term)];
    if (last === undefined) return;
    // Logs that share the last of them share all before it.
    check(
      node.log.entries[last.index - 1] === last,
      `node ${node.id} leads term ${term} without entry ${last.index}, which is committed`,
    );
  }

  #checkAppended(node: TestNode, known: Known, fromIndex: number, lastIndex: number): void {
    check(
      fromIndex > known.commit,
      `node ${node.id} replaces entry ${fromIndex}, known to be committed up to ${known.commit}`,
    );
    check(node.log.entries.length === lastIndex, `node ${node.id} lost its place in the log`);
    for (let index = fromIndex; index <= lastIndex; index++) {
      this.#register(node, node.log.entries[index - 1]!);
    }
  }

  #register(node: TestNode, entry: TestEntry): void {
    const { index, term, previousTerm } = entry;
    const key = `${index}@${term}`;
    const first = this.#entries.get(key);
    if (first === undefined) this.#entries.set(key, entry);
    else check(first === entry, `node ${node.id} holds another entry ${key}`);
    const before = node.log.entries[index - 2]?.term ?? 0;
    check(
      before === previousTerm,
      `node ${node.id}: entry ${key} follows one of term ${before}, elsewhere of ${previousTerm}`,
    );
  }

  #noteCommit(node: TestNode, commit: number): void {
    const { entries } = node.log;
    const known = this.#known.get(node.id)!;
    check(commit <= entries.length, `node ${node.id} commits ${commit}, which it does not hold`);
    const isNews = commit > this.#committed.length;
    for (let index = known.commit + 1; index <= commit; index++) {
      const entry = entries[index - 1]!;
      const other = this.#committed[index - 1];
      if (other === undefined) {
        this.#committed.push(entry);
        this.#committedIn.push(node.core.term);
      } else check(other === entry, `node ${node.id} commits another entry at ${index}`);
    }
    known.commit = commit;
    if (!isNews) return;
    const { term, configuration } = node.core;
    const leader = this.#leaders.get(term);
    this.#holders = configuration!.configuration;
    // It may have committed its own removal, and with it ended its leadership.
    check(leader === node.id, `node ${node.id} commits ${commit} before any leader does`);
    const entryTerm = entries[commit - 1]!.term;
    check(
      entryTerm === term,
      `node ${node.id} counts replicas of entry ${commit}, of term ${entryTerm}, in term ${term}`,
    );
  }

  /** By log matching, whoever holds the last committed entry holds them all. */
  #checkCommittedIsDurable(): void {
    const last = this.#committed.at(-1);
    if (last === undefined) return;
    const { voters, outgoing = [] } = this.#holders;
    this.#checkHeld(last, voters);
    if (outgoing.length > 0) this.#checkHeld(last, outgoing);
  }

  #checkHeld(entry: TestEntry, voters: readonly NodeId[]): void {
    let holders = 0;
    for (const { id, log } of this.#nodes) {
      if (!voters.includes(id)) continue;
      // Who has lost it votes for nobody who may not hold it, either.
      const { entries, lostData } = log.durable;
      if (entries[entry.index - 1] === entry || lostData || this.#forgetful.has(id)) holders++;
    }
    check(
      holders * 2 > voters.length,
      `entry ${entry.index} is committed, and durable on ${holders} of ${voters.length}`,
    );
  }

  /** Undisturbed, it has got its own removal, and knows that it is committed. */
  checkRemoved({ id, core }: TestNode): void {
    const { configuration, index } = core.configuration!;
    const knows = !membersOf(configuration).includes(id) && index <= core.commit;
    check(knows, `node ${id} was never told that it is removed`);
  }

  /** A leader appends a configuration behind others, which are all in its log. */
  #checkChange(node: TestNode, index: number, next: Configuration): void {
    const { entries } = node.log;
    const before = entries.findLast((entry) => entry.index < index && entry.configuration);
    const current = before!.configuration!;
    const what = `node ${node.id} appends the configuration ${index}`;
    const { term, commit } = node.core;
    check(before!.index <= commit, `${what} before the last one is committed`);
    check(entries[commit - 1]?.term === term, `${what} before it has committed in its term`);
    if (isJoint(current)) {
      check(!isJoint(next), `${what}, joint after a joint one`);
      check(isSame(next.voters, current.voters), `${what}, whose voters nobody has agreed to`);
    } else if (isJoint(next)) {
      check(isSame(next.outgoing!, current.voters), `${what}, and forgets voters`);
    } else check(isSame(next.voters, current.voters), `${what}, other voters without a joint one`);
  }

  /** Whose removal is committed, as far as it knows, leads no more. */
  #checkLeadsRightly(node: TestNode): void {
    const { role, commit, configuration } = node.core;
    if (role !== 'leader' || configuration!.index > commit) return;
    check(
      votersOf(configuration!.configuration).includes(node.id),
      `node ${node.id} leads, removed`,
    );
  }

  #checkApplied(node: TestNode, index: number): void {
    const { entries, durable } = node.log;
    check(index <= node.core.commit, `node ${node.id} applies ${index} before it is committed`);
    check(
      durable.entries[index - 1] === entries[index - 1] && durable.entries.length >= index,
      `node ${node.id} applies ${index} before it is durable there`,
    );
  }

  #checkReadable(node: TestNode, id: number, index: number): void {
    const floor = this.#reads.end(id);
    check(
      index >= floor,
      `read ${id} is answered at ${index}; ${floor} was committed when it began`,
    );
    const committed = Math.max(this.#committed.length, node.core.commit);
    check(index <= committed, `read ${id} is answered beyond what is committed`);
  }

  #checkSent(node: TestNode, known: Known, message: Message): void {
    const { durable, entries } = node.log;
    if (message.type === 'preVoteRequest') return;
    if (message.type === 'preVoteResponse' && message.granted) return;
    check(
      durable.term >= message.term,
      `node ${node.id} speaks in term ${message.term}, and ${durable.term} is durable`,
    );
    known.spokenTerm = Math.max(known.spokenTerm, message.term);
    if (message.type === 'voteRequest') {
      this.#checkVote(node, known, message.term, node.id);
      check(
        durable.entries.length >= message.lastIndex &&
          durable.entries[message.lastIndex - 1] === entries[message.lastIndex - 1],
        `node ${node.id} asks for votes with entries that are not durable`,
      );
    }
    if (message.type === 'voteResponse' && message.granted) {
      this.#checkVote(node, known, message.term, message.to);
    }
    if (message.type === 'appendResponse' && !message.rejected) {
      const { index } = message;
      check(
        durable.entries.length >= index && durable.entries[index - 1] === entries[index - 1],
        `node ${node.id} acknowledges ${index} before it is durable`,
      );
    }
    if (message.type === 'appendRequest' || message.type === 'heartbeat') {
      check(
        this.#leaders.get(message.term) === node.id,
        `node ${node.id} speaks as leader of term ${message.term}`,
      );
    }
  }

  #checkVote(node: TestNode, known: Known, term: number, candidate: NodeId): void {
    const { durable } = node.log;
    check(
      durable.term === term && durable.vote === candidate,
      `node ${node.id} votes for ${candidate} in term ${term} before it is durable`,
    );
    const other = known.votes.get(term) ?? candidate;
    check(other === candidate, `node ${node.id} votes in term ${term} for ${other}, ${candidate}`);
    known.votes.set(term, candidate);
  }

  /**
   * When all is quiet: every member holds, knows and has applied the same, and no change is half
   * done.
   */
  checkConverged(members: readonly TestNode[]): void {
    const [first] = members;
    const { configuration } = first!.core.configuration!;
    check(!isJoint(configuration), 'a joint configuration was never left');
    for (const node of members) {
      const { lastIndex, commit } = node.core;
      check(commit === lastIndex, `node ${node.id} has not committed all of its log`);
      check(node.applied === commit, `node ${node.id} has not applied all that is committed`);
      check(
        lastIndex === first!.core.lastIndex &&
          node.log.entries.at(-1) === first!.log.entries.at(-1),
        `nodes ${first!.id} and ${node.id} ended differently`,
      );
      check(!node.core.lostData, `node ${node.id} takes no part in elections for ever`);
      check(node.log.unflushed === 0, `node ${node.id} has unflushed writes`);
    }
    check(this.#reads.count === 0, `${this.#reads.count} reads were never answered`);
  }
}

function isSame(some: readonly NodeId[], others: readonly NodeId[]): boolean {
  return some.join() === others.join();
}
