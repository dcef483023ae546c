import { votersOf } from '../core/configuration.js';
import type { CoreEffect, CoreOptions, Event, Message, NodeId } from '../core/types.js';
import type { TestNode } from './test-node.js';

/** What one node has heard, most of it in this life of it, at which time of its own clock. */
interface Heard {
  readonly life: number;
  /** When a leader last spoke to it, in whichever life. */
  fromLeader: number;
  /** Who would vote for it, and in which term: `2@7`. Answers of any age come at any time. */
  readonly wouldVote: Set<string>;
  /** While it leads: in which term, and when each voter last answered, or first became one. */
  leadsTerm: number;
  readonly answers: Map<NodeId, number>;
}

/**
 * Holds a cluster against what keeps the peace in it (paper section 6; dissertation 4.2.3, 6.2, 9.6
 * and 3.10), by what its nodes have heard:
 *
 * - whoever hears from a leader votes for nobody else for an election timeout, be it in a new life;
 * - while a leader reads by lease, a quorum votes for nobody else, by their own clocks;
 * - nobody begins a term before a quorum would vote for it, but by a leader's invitation;
 * - whoever leads is in touch with a quorum;
 * - whom a leader hands over to holds all that it does, and all of that is committed.
 */
export class Contacts {
  readonly #nodes: readonly TestNode[];
  readonly #options: Omit<CoreOptions, 'id'>;
  readonly #clock: (node: TestNode) => number;
  readonly #heard = new Map<NodeId, Heard>();

  /** @param clock what the clock of a node shows. */
  constructor(
    nodes: readonly TestNode[],
    options: Omit<CoreOptions, 'id'>,
    clock: (node: TestNode) => number,
  ) {
    this.#nodes = nodes;
    this.#options = options;
    this.#clock = clock;
  }

  /** What is wrong with a step that a node has taken; undefined: nothing. */
  stepped(node: TestNode, event: Event, effects: readonly CoreEffect[]): string | undefined {
    const heard = this.#heardBy(node);
    if (node.leads) followVoters(node, heard, event.now);
    // What a vote goes against is what was heard before it.
    const problem = this.#voteProblem(node, heard, event, effects);
    if (event.type === 'message') hear(node, heard, event.now, event.message);
    return (
      problem ??
      campaignProblem(node, heard, event, effects) ??
      this.#contactProblem(node, heard, event) ??
      this.#leaseProblem(node, event, effects) ??
      this.#invitationProblem(node, effects)
    );
  }

  #heardBy({ id, life }: TestNode): Heard {
    let heard = this.#heard.get(id);
    if (heard?.life !== life) {
      // What its last life has told a leader binds it.
      const fromLeader = heard?.fromLeader ?? Number.NEGATIVE_INFINITY;
      heard = { life, fromLeader, wouldVote: new Set(), leadsTerm: 0, answers: new Map() };
      this.#heard.set(id, heard);
    }
    return heard;
  }

  #voteProblem(
    { id, log }: TestNode,
    { fromLeader }: Heard,
    event: Event,
    effects: readonly CoreEffect[],
  ): string | undefined {
    if (event.type !== 'message') return undefined;
    const { message, now } = event;
    if (now >= fromLeader + this.#options.electionTimeoutMs) return undefined;
    const hasVoted =
      message.type === 'voteRequest' &&
      !message.transfer &&
      effects.some(
        (effect) =>
          effect.type === 'saveVote' &&
          effect.term === message.term &&
          effect.vote === message.from,
      ) &&
      // The same vote may be saved again, with news of what has been lost.
      !(log.durable.term === message.term && log.durable.vote === message.from);
    const wouldVote = effects.some(
      (effect) =>
        effect.type === 'send' &&
        effect.message.type === 'preVoteResponse' &&
        effect.message.granted,
    );
    if (!hasVoted && !wouldVote) return undefined;
    return `node ${id} votes for ${message.from}, ${now - fromLeader} ms after it heard a leader`;
  }

  /** It notices with the first heartbeat after an election timeout. */
  #contactProblem(node: TestNode, { answers }: Heard, event: Event): string | undefined {
    if (event.type !== 'tick' || !node.leads) return undefined;
    const { electionTimeoutMs, heartbeatIntervalMs } = this.#options;
    const isInTouch = isQuorum(node, (voter) => {
      const since = answers.get(voter) ?? Number.NEGATIVE_INFINITY;
      return voter === node.id || event.now < since + electionTimeoutMs + heartbeatIntervalMs;
    });
    return isInTouch ? undefined : `node ${node.id} leads, in touch with no quorum`;
  }

  #leaseProblem(node: TestNode, event: Event, effects: readonly CoreEffect[]): string | undefined {
    if (event.type !== 'read' || event.level !== 'lease') return undefined;
    if (!effects.some(({ type }) => type === 'readable')) return undefined;
    const isKept = isQuorum(node, (voter) => {
      if (voter === node.id) return true;
      const { fromLeader = Number.NEGATIVE_INFINITY } = this.#heard.get(voter) ?? {};
      const other = this.#nodes.find(({ id }) => id === voter)!;
      return this.#clock(other) < fromLeader + this.#options.electionTimeoutMs;
    });
    return isKept ? undefined : `node ${node.id} reads by a lease that no quorum keeps`;
  }

  #invitationProblem(
    { id, leads, core, log }: TestNode,
    effects: readonly CoreEffect[],
  ): string | undefined {
    if (!leads) return undefined;
    for (const effect of effects) {
      if (effect.type !== 'send' || effect.message.type !== 'timeoutNow') continue;
      const { to } = effect.message;
      const { entries, lostData } = this.#nodes.find((node) => node.id === to)!.log.durable;
      // Of what has been lost since, the leader does not know.
      const holdsAll = lostData || entries[core.lastIndex - 1] === log.entries.at(-1);
      if (!holdsAll || core.commit < core.lastIndex) return `node ${id} invites ${to} too early`;
    }
    return undefined;
  }
}

function followVoters(node: TestNode, heard: Heard, now: number): void {
  const { term, configuration } = node.core;
  const { answers } = heard;
  if (heard.leadsTerm !== term) answers.clear();
  heard.leadsTerm = term;
  const voters = votersOf(configuration!.configuration);
  for (const voter of voters) if (!answers.has(voter)) answers.set(voter, now);
  for (const voter of answers.keys()) if (!voters.includes(voter)) answers.delete(voter);
}

function hear({ core, leads }: TestNode, heard: Heard, now: number, message: Message): void {
  const { type, from, term } = message;
  const isCurrent = term === core.term;
  if (type === 'preVoteResponse' && message.granted) {
    heard.wouldVote.add(`${from}@${term}`);
  }
  if (type === 'appendRequest' || type === 'heartbeat') {
    if (isCurrent && from === core.leader) heard.fromLeader = now;
  }
  if (type === 'appendResponse' || type === 'heartbeatResponse') {
    if (isCurrent && leads && heard.answers.has(from)) heard.answers.set(from, now);
  }
}

function campaignProblem(
  node: TestNode,
  { wouldVote }: Heard,
  event: Event,
  effects: readonly CoreEffect[],
): string | undefined {
  if (event.type === 'message' && event.message.type === 'timeoutNow') return undefined;
  for (const effect of effects) {
    if (effect.type !== 'role' || effect.role !== 'candidate') continue;
    const { term } = effect;
    const isWanted = isQuorum(node, (id) => id === node.id || wouldVote.has(`${id}@${term}`));
    if (!isWanted) return `node ${node.id} begins term ${term}, and no quorum wants it to`;
  }
  return undefined;
}

/** Whether the voters for which it holds are a majority, in a joint phase of both sets. */
function isQuorum({ core }: TestNode, holds: (voter: NodeId) => boolean): boolean {
  const { voters, outgoing = [] } = core.configuration!.configuration;
  return [voters, outgoing].every(
    (set) => set.length === 0 || set.filter(holds).length * 2 > set.length,
  );
}
