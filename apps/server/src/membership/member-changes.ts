import { type AddMemberRequest, LEADER_HINT, type MembershipRequest } from '@dle/client/protocol';
import { DleError, type DleErrorCode } from '@dle/common';
import { parseAddress } from '@dle/net';
import type { Configuration, LogProposal, MembershipChange, RaftNode } from '@dle/raft';
import type { IdentifyComponents } from '../formation/identify.js';
import type { PeerTransport } from '../peers/peer-transport.js';
import { refusedChange } from './change-refused.js';
import { introduce } from './introduction.js';
import type { Member } from './member.js';
import { type Membership, membershipOf, withMember, withRetired } from './membership.js';

/** Between two tries to begin a change that a leader does not dare yet, in milliseconds. */
const TRY_AGAIN_MS = 50;

export interface MemberChangesComponents extends IdentifyComponents {
  readonly raft: RaftNode<LogProposal>;
  readonly transport: PeerTransport;
}

export interface MemberChangesOptions {
  readonly self: Member;
  /**
   * A leader that is new has not heard from everybody yet. For so long it waits for who seems to
   * be down before it says that a change would lose the quorum, in milliseconds.
   */
  readonly patienceMs: number;
  /** Who has not answered for so long may be down, in milliseconds: at least two heartbeats. */
  readonly silentMs: number;
}

/** What there is now, all from one moment. */
interface Present {
  readonly configuration: Configuration;
  readonly membership: Membership;
  /** Of the configuration in the log. */
  readonly index: number;
}

/** What is to be done, unless it is done already. */
type Plan = MembershipChange | 'done';

/**
 * The leader's side of changing the members: from what an operator asks for to a change of the
 * configuration. A change that is done already is answered as if it had just been done, so that one
 * of unknown outcome can be asked for again.
 */
export class MemberChanges {
  readonly #components: MemberChangesComponents;
  readonly #options: MemberChangesOptions;

  constructor(components: MemberChangesComponents, options: MemberChangesOptions) {
    this.#components = components;
    this.#options = options;
  }

  /**
   * Resolves to the index of the configuration in which the change has ended, committed.
   *
   * @throws DleError `DLE_CHANGE_REFUSED` (retryable where waiting helps), `DLE_NOT_LEADER`,
   *   `DLE_UNAVAILABLE`, `DLE_OUTCOME_UNKNOWN`
   */
  async carryOut(request: MembershipRequest): Promise<number> {
    switch (request.op) {
      case 'addMember': {
        const newcomer = await this.#newcomer(request);
        if (newcomer === undefined) return this.#change(() => 'done');
        return this.#change((present) => addition(present, newcomer));
      }
      case 'promoteMember':
        return this.#change((present) => promotion(present, request.id));
      case 'removeMember':
        await this.#handOverIf(request.id);
        return this.#change((present) => removal(present, request.id));
      case 'replaceMember':
        await this.#handOverIf(request.id);
        return this.#change((present) => replacement(present, request.id, request.by));
    }
  }

  /**
   * Lets another voter lead: `target`, or the one that holds most of the log. Resolves to who leads
   * then.
   *
   * @throws DleError `DLE_TRANSFER_FAILED`, `DLE_NOT_LEADER`, `DLE_UNAVAILABLE`
   */
  transfer(target: number | undefined): Promise<Member> {
    const { raft } = this.#components;
    const { self } = this.#options;
    if (target === self.id) return Promise.resolve(self);
    return new Promise((resolve, reject) => {
      raft.transfer(target, (error, leader) => {
        if (error !== undefined) reject(withoutRetry(error, 'DLE_TRANSFER_FAILED'));
        else resolve(this.#present().membership.members.find(({ id }) => id === leader)!);
      });
    });
  }

  /** The node that is to be added; `undefined` where it is a member already. */
  async #newcomer({ id, address }: AddMemberRequest): Promise<Member | undefined> {
    parseAddress(address);
    const { membership } = this.#present();
    if (membership.retired.includes(id)) throw retired(id);
    const known = membership.members.find((member) => member.id === id);
    // It need not answer now: what was asked for is so.
    if (known?.address === address) return undefined;
    const { self } = this.#options;
    const { cluster } = membership;
    const newcomer = await introduce(this.#components, self, { id, address }, cluster).catch(
      (error: unknown) => {
        throw known === undefined ? error : isMember(known);
      },
    );
    return known?.instance === newcomer.instance ? undefined : newcomer;
  }

  /** A leader that is to leave lets another one lead first, which then removes it. */
  async #handOverIf(id: number): Promise<void> {
    const { configuration } = this.#present();
    const { voters } = configuration;
    if (id !== this.#options.self.id || voters.every((voter) => voter === id)) return;
    const leader = await this.transfer(undefined);
    throw new DleError('DLE_NOT_LEADER', `node ${id} has handed over to node ${leader.id}`, {
      retryable: true,
      details: { [LEADER_HINT]: leader.address },
    });
  }

  async #change(planOf: (present: Present) => Plan): Promise<number> {
    const { clock } = this.#components;
    const deadline = clock.now() + this.#options.patienceMs;
    for (;;) {
      try {
        return await this.#try(planOf);
      } catch (thrown) {
        const error = DleError.from(thrown);
        if (error.details?.reason !== 'wouldLoseQuorum') throw error;
        if (clock.now() >= deadline) throw withoutRetry(error, 'DLE_CHANGE_REFUSED');
        await new Promise<void>((resolve) => clock.setTimer(resolve, TRY_AGAIN_MS));
      }
    }
  }

  /** Nothing may come between the look at what there is and the change of it. */
  #try(planOf: (present: Present) => Plan): Promise<number> {
    const present = this.#present();
    const plan = planOf(present);
    if (plan === 'done') {
      if (this.#isSettled(present)) return Promise.resolve(present.index);
      throw changeUnderWay();
    }
    this.#refuseHalt(present.configuration, plan);
    return new Promise((resolve, reject) => {
      this.#components.raft.changeMembers(plan, (error, index) => {
        if (error === undefined) resolve(index);
        else reject(error.code === 'DLE_OUTCOME_UNKNOWN' ? unsure(error) : error);
      });
    });
  }

  /**
   * Consensus counts a voter as up that has answered within an election timeout; one that was
   * killed a moment ago, too. With a change that needs it, nothing could be committed any more, the
   * end of the change included.
   */
  #refuseHalt({ voters }: Configuration, { promote = [], remove = [] }: MembershipChange): void {
    const { raft, transport } = this.#components;
    const { self, silentMs } = this.#options;
    const target = [...voters.filter((id) => !remove.includes(id)), ...promote];
    const answering = new Set(
      raft.core.status().peers.flatMap((peer) => (peer.silentMs <= silentMs ? [peer.id] : [])),
    );
    const isUp = (id: number): boolean =>
      id === self.id || (answering.has(id) && transport.peer(id)?.reachable === true);
    const up = target.filter(isUp);
    if (target.length === 0 || up.length > target.length / 2) return;
    throw refusedChange(
      'wouldLoseQuorum',
      `of the voters ${target.join(', ')} that there would be, only ${up.join(', ') || 'none'} ` +
        'would be up, too few to decide anything: bring the others back first',
    );
  }

  #isSettled({ configuration, index }: Present): boolean {
    return configuration.outgoing === undefined && index <= this.#components.raft.core.commit;
  }

  #present(): Present {
    const { configuration } = this.#components.raft.core;
    const membership = membershipOf(configuration?.configuration);
    if (configuration === undefined || membership === undefined) {
      const message = 'this node does not know the members yet; try again';
      throw new DleError('DLE_UNAVAILABLE', message, { retryable: true });
    }
    return { ...configuration, membership };
  }
}

function addition({ membership }: Present, newcomer: Member): Plan {
  const { id, instance, address } = newcomer;
  if (membership.retired.includes(id)) throw retired(id);
  const clash = membership.members.find((member) => member.id === id);
  if (clash?.instance === instance) return 'done';
  if (clash !== undefined) throw isMember(clash);
  const double = membership.members.find((member) => member.address === address);
  if (double !== undefined) {
    throw refusedChange('invalid', `node ${double.id} is a member already, at ${address}`);
  }
  return { add: [id], members: withMember(membership, newcomer) };
}

function promotion({ configuration, membership }: Present, id: number): Plan {
  if (configuration.voters.includes(id)) return 'done';
  if (membership.retired.includes(id)) throw retired(id);
  return { promote: [id] };
}

function removal({ configuration, membership }: Present, id: number): Plan {
  if (isGone({ configuration, membership }, id)) return 'done';
  return { remove: [id], members: withRetired(membership, id) };
}

function replacement({ configuration, membership }: Present, id: number, by: number): Plan {
  const { voters, learners = [] } = configuration;
  if (by === id) throw refusedChange('invalid', `node ${id} cannot take its own place`);
  if (isGone({ configuration, membership }, id)) {
    if (voters.includes(by) || learners.includes(by)) return 'done';
    throw refusedChange('invalid', `node ${id} has been removed already, and node ${by} is none`);
  }
  if (voters.includes(by)) {
    throw refusedChange('invalid', `node ${by} votes already: remove node ${id} without it`);
  }
  const remove = { remove: [id], members: withRetired(membership, id) };
  // One that does not vote leaves its place to one that does not either.
  return voters.includes(id) ? { ...remove, promote: [by] } : remove;
}

function isGone(
  { configuration, membership }: Pick<Present, 'configuration' | 'membership'>,
  id: number,
): boolean {
  const { voters, learners = [] } = configuration;
  return membership.retired.includes(id) && !voters.includes(id) && !learners.includes(id);
}

function isMember({ id, address }: Member): DleError {
  const message =
    `node ${id} is a member already, at ${address} with its own data directory: give the new node ` +
    `an id of its own, and use 'dle member replace' if it is to take that place`;
  return refusedChange('invalid', message);
}

function retired(id: number): DleError {
  const message = `node ${id} has been removed, and ids are not given twice: use another one`;
  return refusedChange('retired', message);
}

function changeUnderWay(): DleError {
  const message = 'another change of members is under way; try again when it is done';
  const details = { reason: 'changeUnderWay' };
  return new DleError('DLE_CHANGE_REFUSED', message, { retryable: true, details });
}

/** What has this code may pass by itself, but not soon: whoever asks should hear of it. */
function withoutRetry(error: DleError, code: DleErrorCode): DleError {
  if (error.code !== code) return error;
  const { message, details, cause } = error;
  return new DleError(code, message, { cause, ...(details !== undefined && { details }) });
}

function unsure(cause: DleError): DleError {
  const message =
    `it is not known whether the members have been changed (${cause.message}): see who they are ` +
    "with 'dle member list', and give the command again; what is done already is found to be done";
  return new DleError('DLE_OUTCOME_UNKNOWN', message, { effect: 'unknown', cause });
}
