import {
  type ClientRequest,
  changeResult,
  type DelRequest,
  type DumpRequest,
  delResult,
  dumpResult,
  type Envelope,
  emptyResult,
  forwardRequest,
  type GetRequest,
  getResult,
  isLeadersRead,
  LEADER_HINT,
  type LeaderRequest,
  type PutRequest,
  parseRequest,
  putResult,
  type ReadLevel,
  transferResult,
} from '@dle/client/protocol';
import { DleError } from '@dle/common';
import { type Answer, type Control, Later } from '@dle/net';
import type { LogProposal, RaftNode } from '@dle/raft';
import { entryOf } from '../entries.js';
import type { Consensus } from '../replica/participation.js';
import type { Replica } from '../replica/replica.js';
import { type Excuses, FAILURE, isOwnFailure } from './excuses.js';

/**
 * How long a member waits for the leader's answer to a request that it passes on: several
 * elections, and far more than a flush takes; a leader that is silent for longer hangs.
 */
const FORWARD_TIMEOUT_MS = 5_000;

export interface ClientApiComponents {
  /** @throws DleError `DLE_UNAVAILABLE` while another takes its place */
  readonly replica: () => Replica;
  /**
   * `undefined` while the cluster is being formed.
   *
   * @throws DleError `DLE_MEMBER_REMOVED`, `DLE_UNAVAILABLE`
   */
  readonly consensus: () => Consensus | undefined;
  readonly status: () => Control;
  readonly excuses: Pick<Excuses, 'explain'>;
}

/**
 * Answers clients. Any node takes any request; what only the leader can do is passed on to it,
 * once.
 */
export class ClientApi {
  readonly #components: ClientApiComponents;
  /** Errors of other nodes: they say nothing of this one. */
  readonly #foreign = new WeakSet<DleError>();

  constructor(components: ClientApiComponents) {
    this.#components = components;
  }

  /** Throws, or fails, with what the client is told. */
  handle(control: Control, raw: Uint8Array): Answer | Later | Promise<Answer> {
    const request = parseRequest(control, raw);
    try {
      const answer = this.#dispatch(request);
      if (!(answer instanceof Promise)) return answer;
      return answer.catch((thrown: unknown) => {
        throw this.#told(thrown);
      });
    } catch (thrown) {
      throw this.#told(thrown);
    }
  }

  /** What the client is told of a failure. */
  #told(thrown: unknown): DleError {
    const error = DleError.from(thrown);
    return this.#foreign.has(error) ? error : this.#components.excuses.explain(error);
  }

  #dispatch(request: ClientRequest): Answer | Later | Promise<Answer> {
    if (request.op === 'dump' && request.cursor !== undefined) {
      return this.#nextPage(request.cursor, request.maxBytes);
    }
    // What a removed node holds grows old; others hold it, too.
    if (request.op !== 'status' && request.op !== 'release') this.#components.consensus();
    switch (request.op) {
      case 'put':
      case 'del': {
        const consensus = this.#inCluster();
        return isServedHere(consensus)
          ? this.#write(consensus, request)
          : this.#passOn(consensus, request);
      }
      case 'get':
        return this.#get(request, request.level);
      case 'addMember':
      case 'promoteMember':
      case 'removeMember':
      case 'replaceMember':
        return this.#atLeader(request, async ({ changes }) =>
          changeResult({ index: await changes.carryOut(request) }),
        );
      case 'transfer':
        return this.#atLeader(request, (consensus) => this.#transfer(consensus, request.target));
      case 'status':
        return { control: this.#components.status() };
      case 'dump':
        return this.#dump(request);
      case 'release':
        this.#components.replica().dumps.release(request.cursor);
        return emptyResult();
    }
  }

  #atLeader(
    request: LeaderRequest,
    serve: (consensus: Consensus) => Later | Promise<Answer>,
  ): Later | Promise<Answer> {
    const consensus = this.#inCluster();
    return isServedHere(consensus) ? serve(consensus) : this.#passOn(consensus, request);
  }

  /** To the leader, unless somebody else already did. */
  #passOn({ raft, transport }: Consensus, request: LeaderRequest): Promise<Answer> {
    const leader = raft.core.leader;
    const peer = transport.peer(leader);
    if (leader === 0 || peer === undefined) throw unavailable('there is no leader at the moment');
    if (request.forwarded) throw notLeader(peer.member.address);
    const rpc = peer.rpc('forward');
    if (rpc === undefined) throw unavailable(`the leader, node ${leader}, cannot be reached`);
    const { control, raw } = forwardRequest(request);
    return rpc.request(control, raw, { timeoutMs: FORWARD_TIMEOUT_MS }).then(
      (reply) => ({
        control: { [LEADER_HINT]: peer.member.address, ...reply.control },
        raw: reply.raw,
      }),
      (thrown: unknown) => {
        const failure = forwardFailure(DleError.from(thrown), request.op !== 'get');
        this.#foreign.add(failure);
        throw failure;
      },
    );
  }

  #write({ raft, replica }: Consensus, request: PutRequest | DelRequest): Later {
    const later = new Later();
    // Key and value are not held until the answer.
    const { op } = request;
    raft.propose(entryOf(request), (error, index) => {
      if (error !== undefined) this.#fail(later, error);
      else if (op === 'put') later.answer(putResult({ index }));
      else {
        const existed = replica.machine.existedBefore(index);
        if (existed === undefined) this.#fail(later, existenceUnknown());
        else later.answer(delResult({ index, existed }));
      }
    });
    return later;
  }

  #get(request: GetRequest, level: ReadLevel): Answer | Later | Promise<Answer> {
    if (level === 'stale') return answerOf(this.#components.replica(), request);
    const serve = (consensus: Consensus): Later => this.#read(consensus, request, level);
    if (!isLeadersRead(level)) return serve(this.#inCluster());
    const answer = this.#atLeader(request, serve);
    if (!(answer instanceof Promise)) return answer;
    return answer.catch((thrown: unknown) => this.#getInstead(request, thrown));
  }

  /**
   * A leader that cannot read its own data still knows how far a node has to be that can: a read
   * at that index sees as much.
   */
  async #getInstead(request: GetRequest, thrown: unknown): Promise<Answer> {
    if (!isOwnFailure(DleError.from(thrown))) throw thrown;
    const { raft, replica } = this.#inCluster();
    await readable(raft, 'follower');
    return answerOf(replica, request);
  }

  #read(
    { raft, replica }: Consensus,
    request: GetRequest,
    level: Exclude<ReadLevel, 'stale'>,
  ): Later {
    const later = new Later();
    raft.read((error) => {
      try {
        if (error !== undefined) throw error;
        later.answer(answerOf(replica, request));
      } catch (thrown) {
        this.#fail(later, thrown);
      }
    }, level);
    return later;
  }

  /** Not at once: consensus is in the midst of a step, which an explanation may end. */
  #fail(later: Later, thrown: unknown): void {
    queueMicrotask(() => later.fail(this.#told(thrown)));
  }

  async #dump(request: DumpRequest): Promise<Envelope> {
    const { level, maxBytes } = request;
    const { dumps } = this.#components.replica();
    if (level !== 'stale') {
      const { raft, transport } = this.#inCluster();
      if (raft.stopped !== undefined) throw raft.stopped;
      const peer = transport.peer(raft.core.leader);
      const isElsewhere = isLeadersRead(level) && !raft.isLeader;
      if (isElsewhere && peer !== undefined) throw notLeader(peer.member.address);
      await readable(raft, level);
    }
    return dumpResult(dumps.first(maxBytes));
  }

  /** Whatever keeps this node from going on with a dump ends that for good. */
  #nextPage(cursor: string, maxBytes: number): Answer {
    try {
      this.#components.consensus();
      return dumpResult(this.#components.replica().dumps.next(cursor, maxBytes));
    } catch (thrown) {
      const error = DleError.from(thrown);
      // Damage is repaired, whoever has met it.
      throw error.code === 'DLE_CURSOR_LOST' ? error : dumpLost(this.#told(error), error);
    }
  }

  /**
   * A leader that stops meanwhile may have handed over or not; to ask the next one for the same
   * would move leadership twice.
   */
  async #transfer({ raft, changes }: Consensus, target: number | undefined): Promise<Answer> {
    try {
      const { id, address } = await changes.transfer(target);
      return transferResult({ node: id, leader: address });
    } catch (thrown) {
      if (raft.stopped === undefined) throw thrown;
      const message = `the leader has stopped, and may have handed over: ${raft.stopped.message}`;
      const options = { effect: 'unknown', cause: thrown } as const;
      throw new DleError('DLE_OUTCOME_UNKNOWN', message, options);
    }
  }

  #inCluster(): Consensus {
    const consensus = this.#components.consensus();
    if (consensus === undefined) throw unavailable('the cluster is still being formed');
    return consensus;
  }
}

/**
 * Whether what only the leader can do is done here, or to be passed on. Throws where this node
 * takes no part: it does not know who leads now, and a client does better to look for itself.
 */
function isServedHere({ raft }: Consensus): boolean {
  if (raft.stopped !== undefined) throw raft.stopped;
  return raft.isLeader;
}

function existenceUnknown(): DleError {
  return new DleError(
    'DLE_OUTCOME_UNKNOWN',
    'the key is deleted, but nobody can say whether it was there: its record may be one that is ' +
      'damaged, and is being repaired',
    { effect: 'unknown' },
  );
}

/** `told`: what any other request would be told of `met`. */
function dumpLost(told: DleError, met: DleError): DleError {
  const { details, message } = told;
  const options = { cause: met, details: { [FAILURE]: met.code, ...details } };
  const why = told === met ? `${met.code}: ${message}` : message;
  const what = `the dump cannot go on here, begin it again: ${why}`;
  return new DleError('DLE_CURSOR_LOST', what, options);
}

function answerOf({ store }: Replica, request: GetRequest): Envelope {
  return getResult({ value: store.getSync(request.key) });
}

function readable(raft: RaftNode<LogProposal>, level: Exclude<ReadLevel, 'stale'>): Promise<void> {
  return new Promise((resolve, reject) => {
    raft.read((error) => (error === undefined ? resolve() : reject(error)), level);
  });
}

function unavailable(reason: string): DleError {
  return new DleError('DLE_UNAVAILABLE', `${reason}; try again`, { retryable: true });
}

function notLeader(address: string): DleError {
  return new DleError('DLE_NOT_LEADER', `the leader is at ${address}`, {
    retryable: true,
    details: { [LEADER_HINT]: address },
  });
}

/**
 * A write that was passed on and not answered may have taken effect; the leader's own errors pass
 * as they are.
 */
function forwardFailure(error: DleError, isWrite: boolean): DleError {
  if (error.code !== 'DLE_CONNECTION_LOST' && error.code !== 'DLE_TIMEOUT') return error;
  if (isWrite && error.effect === 'unknown') {
    return new DleError(
      'DLE_OUTCOME_UNKNOWN',
      'the leader was lost before it answered: what was asked for may or may not take effect',
      { effect: 'unknown', cause: error },
    );
  }
  return new DleError('DLE_UNAVAILABLE', 'the leader was lost before it answered; try again', {
    retryable: true,
    cause: error,
  });
}
