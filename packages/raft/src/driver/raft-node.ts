import { assert, DleError } from '@dle/common';
import { RaftCore } from '../core/raft-core.js';
import type {
  AppendRequest,
  Configuration,
  CoreEffect,
  Event,
  MembershipChange,
  Message,
  NodeId,
  ReadLevel,
  RecoveredState,
} from '../core/types.js';
import { acceptEntries } from './accept-entries.js';
import { Alarm } from './alarm.js';
import { AppendSender } from './append-sender.js';
import { Applier } from './applier.js';
import { AwaitedChange } from './awaited-change.js';
import { HandOver } from './hand-over.js';
import { LogPurger } from './log-purger.js';
import { CONFIGURATION_RESERVE, LogRoom, withoutRoom } from './log-room.js';
import { LogWriter } from './log-writer.js';
import type { Proposal, RaftNodeComponents, RoleChange } from './ports.js';
import { type ProposalBatch, ProposerQueue } from './proposer-queue.js';
import { type RaftConfig, validateRaftConfig } from './raft-config.js';
import { ReadQueue } from './read-queue.js';
import { SnapshotSender } from './snapshot-sender.js';
import {
  changeRefused,
  notLeader,
  outcomeUnknown,
  proposalRefused,
  readRefused,
  type Settle,
  transferFailed,
} from './waiting.js';

/** An event of the core before it is given a time. */
type Timeless = Event extends infer E ? (E extends Event ? Omit<E, 'now'> : never) : never;

/**
 * Runs the pure core against its ports. Everything here is synchronous, from an event to the last
 * of its effects; what arrives in between waits for its turn.
 */
export class RaftNode<P extends Proposal> {
  readonly #components: RaftNodeComponents<P>;
  readonly #config: RaftConfig;
  readonly #core: RaftCore;
  readonly #sender: AppendSender;
  readonly #proposals: ProposerQueue<P>;
  readonly #reads: ReadQueue = new ReadQueue();
  readonly #writer: LogWriter<P>;
  readonly #room: LogRoom<P>;
  readonly #snapshots: SnapshotSender | undefined;
  /** Without snapshots nothing is purged. */
  readonly #purger: LogPurger | undefined;
  readonly #handOver: HandOver = new HandOver();
  readonly #change: AwaitedChange = new AwaitedChange();
  /** The batch whose `propose` event is being stepped. */
  #proposing: ProposalBatch<P> | undefined;
  readonly #applier: Applier;
  #gathering = false;
  #stepping = false;
  readonly #alarm: Alarm;
  #stopped: DleError | undefined;
  #configuration: Configuration | undefined;
  #roleListener: (change: RoleChange) => void = () => {};
  #configurationListener: (configuration: Configuration) => void = () => {};
  #failureListener: (error: DleError) => void = () => {};

  /**
   * Recovers from the log and starts as a follower.
   *
   * @throws DleError `DLE_INVALID_ARGUMENT` for a configuration that does not go together, and what
   *   the log throws.
   */
  static async start<P extends Proposal>(
    components: RaftNodeComponents<P>,
    config: RaftConfig,
  ): Promise<RaftNode<P>> {
    validateRaftConfig(config);
    return new RaftNode(components, config, await components.log.recover());
  }

  private constructor(
    components: RaftNodeComponents<P>,
    config: RaftConfig,
    recovered: RecoveredState,
  ) {
    this.#components = components;
    this.#config = config;
    const { clock, random, log, stateMachine, snapshots } = components;
    const core = new RaftCore({ random }, config, recovered, clock.now());
    this.#core = core;
    if (snapshots !== undefined) {
      this.#purger = new LogPurger(core, stateMachine, config.logRetentionBytes);
      this.#snapshots = new SnapshotSender({ ...components, snapshots, core }, (peer, index) =>
        this.#step({ type: 'snapshotEnded', now: this.#now, peer, index }),
      );
    } else if (core.baseIndex > 0) {
      const message = `a log that begins behind entry ${core.baseIndex} needs a SnapshotTransfer`;
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    this.#proposals = new ProposerQueue({ maxBytes: config.maxProposalBytes });
    this.#alarm = new Alarm(components, () => this.#onAlarm());
    this.#sender = new AppendSender(components, (message) => this.#speaksFor(message));
    this.#writer = new LogWriter(log);
    this.#room = new LogRoom(components, config.diskTimeoutMs);
    this.#applier = new Applier(
      components,
      (index) => {
        this.#proposals.applied(index);
        this.#reads.applied(index);
      },
      (error) => this.#fail(error),
    );
    log.listen(
      (ticket) => this.#onFlushed(ticket),
      (error) => this.#fail(error),
    );
    this.#applier.applyUpTo(recovered.commit);
    // A node that is alone need not wait for a timer to find out that nobody else is there.
    this.#step({ type: 'tick', now: this.#now });
  }

  /** The core's own view of itself, for operators. */
  get core(): Omit<RaftCore, 'step'> {
    return this.#core;
  }

  get isLeader(): boolean {
    return this.#core.role === 'leader';
  }

  /** Why the node has stopped taking part, if it has. */
  get stopped(): DleError | undefined {
    return this.#stopped;
  }

  /** Why the log takes no entries at the moment, if it does not: a full disk. */
  get refusal(): DleError | undefined {
    return this.#room.refusal;
  }

  onRole(listener: (change: RoleChange) => void): void {
    this.#roleListener = listener;
  }

  /** Called when another configuration has come into force. */
  onConfiguration(listener: (configuration: Configuration) => void): void {
    this.#configurationListener = listener;
  }

  /**
   * Called once, when the log has failed under the node. It then takes no part any more; reads of
   * old state go on.
   */
  onFailure(listener: (error: DleError) => void): void {
    this.#failureListener = listener;
  }

  /**
   * Puts an entry into the log. `settle` gets its index when it is committed and applied; or
   * `DLE_NOT_LEADER`, `DLE_UNAVAILABLE`, `DLE_OVERLOADED`, `DLE_DISK_FULL` (effect none), or
   * `DLE_OUTCOME_UNKNOWN` (leadership was lost meanwhile), `DLE_STORAGE_POISONED`.
   */
  propose(proposal: P, settle: Settle): void {
    const refusal = this.#refusal() ?? this.#proposals.push(proposal, settle);
    if (refusal !== undefined) settle(refusal, 0);
    else this.#gather();
  }

  /**
   * A read that sees everything acknowledged before the call: `settle` gets an index once the state
   * here reflects it. Whether the leader vouches for it by asking a quorum, or by its lease, or any
   * member by asking the leader, is for `level` to say. Levels `linearizable` and `lease` are the
   * leader's to serve; others answer `DLE_NOT_LEADER`. `DLE_OVERLOADED` where too many wait already,
   * `DLE_UNAVAILABLE` where there is no leader or it does not answer.
   */
  read(settle: Settle, level: ReadLevel = 'linearizable'): void {
    const refusal = this.#refusal(level === 'follower') ?? this.#reads.push(level, settle);
    if (refusal !== undefined) {
      settle(refusal, 0);
      return;
    }
    this.#gather();
  }

  /**
   * A message from a peer, its entries as bytes. Damaged or unwritable entries make it a lost
   * message.
   */
  receive(message: Message, entryBytes?: Uint8Array): void {
    if (this.#stopped !== undefined) return;
    if (entryBytes === undefined || entryBytes.length === 0) {
      this.#step({ type: 'message', now: this.#now, message });
      return;
    }
    const entries = acceptEntries(this.#components, this.#room, message.from, entryBytes);
    if (entries !== undefined) this.#step({ type: 'message', now: this.#now, message, entries });
    else this.#reviewRoom();
  }

  /**
   * Changes the members. `settle` gets the index of the configuration in which the change ended,
   * once that is committed; or `DLE_NOT_LEADER`, `DLE_UNAVAILABLE`, `DLE_DISK_FULL`,
   * `DLE_CHANGE_REFUSED` (effect none; `details.reason` says why), or `DLE_OUTCOME_UNKNOWN`.
   */
  changeMembers(change: MembershipChange, settle: Settle): void {
    const refusal =
      this.#refusal() ??
      this.#room.take(CONFIGURATION_RESERVE) ??
      this.#change.begin(settle, this.#now);
    if (refusal !== undefined) settle(refusal, 0);
    else this.#stepSoon({ type: 'changeMembers', change });
  }

  /**
   * Hands leadership over to `target`, by default to the next voter by id that is up to date.
   * `settle` gets the id of the new leader; or `DLE_NOT_LEADER`, `DLE_UNAVAILABLE`, or `DLE_TRANSFER_FAILED`
   * (`details.reason` says why). Proposals are refused meanwhile, for an election timeout at most.
   */
  transfer(target: NodeId | undefined, settle: Settle): void {
    const refusal = this.#refusal() ?? this.#handOver.begin(settle, this.#now);
    if (refusal !== undefined) settle(refusal, 0);
    else {
      // What was asked for before is still taken.
      if (!this.#stepping) this.#submit();
      this.#stepSoon({ type: 'transfer', target: target ?? 0 });
    }
  }

  /**
   * Leads no more, and invites the voter that holds most to lead: for a leader that cannot do what
   * it should. Unlike `transfer` it waits for nothing: what only this node holds may be lost, and
   * its proposals end in `DLE_OUTCOME_UNKNOWN`.
   */
  resign(): void {
    if (this.#refusal() === undefined) this.#stepSoon({ type: 'resign' });
  }

  /** Asks for an election now, unless a leader is heard from. */
  campaign(): void {
    if (this.#stopped === undefined) this.#step({ type: 'campaign', now: this.#now });
  }

  /**
   * Takes no part any more, and answers everybody who waits: with `reason`, where nothing was done.
   * The log stays open: it is the caller's.
   */
  stop(reason?: DleError): void {
    this.#end(reason ?? new DleError('DLE_CLOSED', 'the node is stopping', { retryable: true }));
  }

  #refusal(isForAnybody: boolean = false): DleError | undefined {
    if (this.#stopped !== undefined) return this.#stopped;
    return this.isLeader || isForAnybody ? undefined : notLeader(this.#core.leader);
  }

  get #now(): number {
    return this.#components.clock.now();
  }

  #speaksFor(message: AppendRequest): boolean {
    const { term, baseIndex } = this.#core;
    const isLeaders = this.#stopped === undefined && this.isLeader && term === message.term;
    return isLeaders && message.previousIndex >= baseIndex;
  }

  /** What arrives in one turn of the event loop goes to the core as one batch, at its end. */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#components.clock.defer(() => {
      this.#gathering = false;
      this.#submit();
    });
  }

  #submit(): void {
    if (this.#stopped !== undefined) return;
    this.#submitReads();
    this.#submitProposals();
    // The others write at the same time as this node, and not after it.
    this.#components.transport.flush?.();
  }

  /** A full disk is waited for, by a leader as a follower; who makes no file otherwise has failed. */
  #reviewRoom(): void {
    const error = this.#room.overdue();
    if (error === undefined) return;
    if (error.code !== 'DLE_DISK_FULL') this.#fail(error);
    else if (this.isLeader) this.#stepSoon({ type: 'transfer', target: 0 });
  }

  #submitReads(): void {
    for (const { id, level } of this.#reads.begin(this.#now)) {
      if (this.#stopped === undefined) this.#step({ type: 'read', now: this.#now, id, level });
    }
  }

  #submitProposals(): void {
    while (this.#proposals.queued > 0 && this.#stopped === undefined) {
      const batch = this.#proposals.take(this.#room.refusal !== undefined);
      // Before the core hears of it: what is in the core has been promised to the followers.
      const refusal = this.#room.take(batch.bytes, batch.proposals);
      if (refusal !== undefined) {
        this.#proposals.refused(batch, withoutRoom(refusal));
        this.#reviewRoom();
        continue;
      }
      this.#proposing = batch;
      this.#step({ type: 'propose', now: this.#now, sizes: batch.sizes });
      this.#proposing = undefined;
    }
  }

  #step(event: Event): void {
    assert(!this.#stepping, 'an effect stepped the core');
    this.#stepping = true;
    try {
      for (const effect of this.#core.step(event)) this.#execute(effect);
    } catch (thrown) {
      this.#fail(DleError.from(thrown));
    } finally {
      this.#stepping = false;
    }
    if (this.#stopped !== undefined) return;
    this.#alarm.set(this.#core.deadline);
    this.#noticeConfiguration();
    this.#change.notice(this.#core);
    const purgeable = this.#purger?.due();
    if (purgeable !== undefined) this.#step({ type: 'purge', now: this.#now, index: purgeable });
  }

  /** Steps now, or when the step under way is over: whoever is answered in it may ask for more. */
  #stepSoon(event: Timeless): void {
    const step = (): void => {
      if (this.#stopped !== undefined) return;
      if (event.type === 'changeMembers') this.#change.asked();
      this.#step({ ...event, now: this.#now } as Event);
    };
    if (this.#stepping) this.#components.clock.defer(step);
    else step();
  }

  #noticeConfiguration(): void {
    const configuration = this.#core.configuration?.configuration;
    if (configuration === this.#configuration || configuration === undefined) return;
    this.#configuration = configuration;
    this.#configurationListener(configuration);
  }

  #execute(effect: CoreEffect): void {
    const { log, transport } = this.#components;
    switch (effect.type) {
      case 'saveVote':
      case 'appendNoop':
      case 'appendConfiguration':
      case 'appendReceived':
        this.#writer.write(effect, []);
        break;
      case 'appendProposed': {
        const { proposals } = this.#proposing!;
        this.#proposals.accepted(this.#proposing!, effect.firstIndex, this.#now);
        this.#writer.write(effect, proposals);
        break;
      }
      case 'transferStarted':
        this.#handOver.started(effect.target);
        break;
      case 'transferRefused':
        this.#handOver.fail(transferFailed(effect.reason, effect.message));
        break;
      case 'transferFailed':
        this.#handOver.fail(transferFailed('timeout', 'the other node did not take over in time'));
        break;
      case 'changeRefused':
        this.#change.fail(changeRefused(effect));
        break;
      case 'proposalRefused':
        this.#proposals.refused(
          this.#proposing!,
          proposalRefused(effect.reason, this.#core.leader),
        );
        break;
      case 'send':
        if (effect.message.type === 'appendRequest') this.#sender.send(effect.message);
        else transport.send(effect.message);
        break;
      case 'commit':
        log.setCommit(effect.index);
        if (this.isLeader) this.#applier.applyUpTo(effect.index);
        else this.#applier.applySoon(effect.index);
        break;
      case 'readable':
        this.#reads.confirmed(effect.ids, effect.index, this.#now);
        this.#reads.applied(this.#components.stateMachine.appliedIndex);
        break;
      case 'readRefused':
        this.#reads.refused(effect.ids, readRefused(effect.reason, this.#core.leader));
        break;
      case 'sendSnapshot':
        this.#snapshots!.begin(effect.to);
        break;
      case 'purge':
        log.purge(effect.base);
        break;
      case 'role':
        if (effect.role !== 'leader') {
          this.#proposals.lostLeadership();
          this.#snapshots?.callOff();
        }
        this.#handOver.onRole(effect);
        this.#roleListener(effect);
        break;
    }
  }

  #onFlushed(ticket: number): void {
    if (this.#stopped !== undefined) return;
    const write = this.#writer.flushed(ticket);
    if (write !== undefined) this.#step({ type: 'flushed', now: this.#now, write });
  }

  #onAlarm(): void {
    if (this.#stopped !== undefined) return;
    this.#step({ type: 'tick', now: this.#now });
    this.#expire();
  }

  /** Whoever waits gets an answer some time; timers ring often enough wherever somebody does. */
  #expire(): void {
    const before = this.#now - this.#config.requestTimeoutMs;
    this.#proposals.expire(before);
    this.#reads.expire(before);
    this.#change.expire(before);
    this.#handOver.expire(before);
  }

  #fail(error: DleError): void {
    if (this.#stopped !== undefined) return;
    // Where it is not the core that is wrong, the others need not wait for an election timeout.
    const isBroken = error.code === 'DLE_INTERNAL';
    for (const effect of isBroken ? [] : this.#core.step({ type: 'resign', now: this.#now })) {
      if (effect.type === 'send') this.#components.transport.send(effect.message);
    }
    this.#end(error);
    this.#failureListener(error);
  }

  #end(error: DleError): void {
    if (this.#stopped !== undefined) return;
    const { code, message, retryable } = error;
    // Whatever is asked of a node that has stopped is not done.
    this.#stopped = new DleError(code, message, { retryable, cause: error });
    this.#alarm.cancel();
    this.#applier.stop();
    this.#snapshots?.callOff();
    this.#proposals.fail(outcomeUnknown(`the node stopped (${message})`), this.#stopped);
    this.#reads.failAll(this.#stopped);
    this.#change.fail(outcomeUnknown(`the node stopped (${message})`));
    this.#handOver.fail(this.#stopped);
  }
}
