import { DleError } from '@dle/common';
import type { Acceptor, Answer, Control, Hello, Rpc, RpcHandler, Welcome } from '@dle/net';
import { PROTOCOL_RANGE } from '@dle/net';
import type { ClientApi } from './api/client-api.js';
import { type Card, wipedAdvice } from './formation/decide.js';
import type { Formation } from './formation/formation.js';
import { FORMING_LANE } from './formation/identify.js';
import { answerIdentify } from './formation/parse-card.js';
import type { Member } from './membership/member.js';
import type { Roster } from './membership/roster.js';
import { SNAPSHOT_LANE } from './peers/peer.js';
import type { PeerTransport } from './peers/peer-transport.js';
import { SPARE, type Sparing } from './repair/sparing.js';
import type { SnapshotReceiver } from './snapshots/snapshot-receiver.js';

export interface NodeAcceptorComponents {
  readonly self: () => Member;
  readonly api: () => ClientApi;
  /** What this node says of itself to one that looks for its cluster. */
  readonly card: () => Card;
  readonly cluster: () => string | undefined;
  /** Whom this node knows, and up to which index that is committed. */
  readonly roster: () => { readonly roster: Roster; readonly commit: number };
  /** While this node looks for its cluster. */
  readonly formation: () => Formation | undefined;
  /** While it takes part in one. */
  readonly transport: () => PeerTransport | undefined;
  readonly snapshots: () => SnapshotReceiver | undefined;
  readonly sparing: () => Sparing | undefined;
}

/**
 * Decides who may come in, and who answers them. A misdelivered or foreign connection is refused by
 * name.
 */
export class NodeAcceptor implements Acceptor {
  readonly #components: NodeAcceptorComponents;

  constructor(components: NodeAcceptorComponents) {
    this.#components = components;
  }

  hello(hello: Hello): Welcome {
    const self = this.#components.self();
    const cluster = this.#components.cluster();
    if (hello.target !== undefined && hello.target !== self.id) {
      throw refused('DLE_HELLO_REFUSED', `this is node ${self.id}, not node ${hello.target}`);
    }
    if (hello.role === 'member' && hello.lane !== FORMING_LANE) {
      if (cluster === undefined) this.#judgeCaller(hello);
      else this.#judgeMember(hello, cluster);
    }
    const welcome = { protocol: PROTOCOL_RANGE[1], node: self.id, instance: self.instance };
    return cluster === undefined ? welcome : { ...welcome, cluster };
  }

  accepted(rpc: Rpc): RpcHandler {
    const api = this.#components.api();
    const { role, lane } = rpc.hello;
    if (role === 'client') return { request: (control, raw) => api.handle(control, raw) };
    if (lane === FORMING_LANE) {
      return { request: (control) => this.#answerStranger(control) };
    }
    const formation = this.#components.formation();
    if (formation !== undefined) {
      formation.called(rpc);
      return { closed: (_, reason) => formation.hungUp(rpc, reason) };
    }
    if (lane === SNAPSHOT_LANE) {
      const snapshots = this.#components.snapshots();
      return snapshots === undefined
        ? {}
        : { request: (control, raw) => snapshots.handle(control, raw, rpc) };
    }
    const members = this.#components.transport();
    members?.addInbound(rpc);
    return {
      ...members?.handler(),
      request: (control, raw) => api.handle(control, raw),
      closed: () => members?.removeInbound(rpc),
    };
  }

  /** It looks for its cluster, or for somebody who says that it can be spared. */
  #answerStranger(control: Control): Answer {
    const sparing = this.#components.sparing();
    if (control.op === SPARE && sparing !== undefined) return sparing.answer(control);
    return answerIdentify(control, this.#components.card());
  }

  /**
   * A node without a cluster lets a member of one in that believes it to be another: that is how it
   * hears of having been added.
   */
  #judgeCaller({ cluster, lane }: Hello): void {
    const isLooking = this.#components.formation() !== undefined;
    if (isLooking && cluster !== undefined && lane === 'control') return;
    const { id } = this.#components.self();
    throw refused('DLE_UNAVAILABLE', `node ${id} is not in a cluster yet`);
  }

  #judgeMember(hello: Hello, cluster: string): void {
    const self = this.#components.self();
    if (hello.cluster !== cluster) {
      throw refused(
        'DLE_FOREIGN_CLUSTER',
        `node ${self.id} is in cluster ${cluster}, not in ${hello.cluster ?? 'one without an id'}`,
      );
    }
    const { node = 0, instance } = hello;
    const { roster, commit } = this.#components.roster();
    if (roster.membership === undefined) return;
    const known = roster.member(node);
    if (known === undefined) {
      if (!roster.isRemoved(node, commit)) {
        // It may have come while this node was away, as may all the others whom this one would
        // have to hear it from (paper section 6: requests are answered whoever is configured).
        return;
      }
      throw refused('DLE_MEMBER_REMOVED', `node ${node} has been removed from cluster ${cluster}`);
    }
    if (known.instance !== instance) {
      throw refused(
        'DLE_WIPED_MEMBER',
        `cluster ${cluster} knows node ${known.id} by another data directory ` +
          `(instance ${known.instance}, not ${instance}). ${wipedAdvice(known.id)}`,
      );
    }
  }
}

function refused(
  code:
    | 'DLE_HELLO_REFUSED'
    | 'DLE_UNAVAILABLE'
    | 'DLE_FOREIGN_CLUSTER'
    | 'DLE_MEMBER_REMOVED'
    | 'DLE_WIPED_MEMBER',
  message: string,
): DleError {
  return new DleError(code, message, { retryable: code === 'DLE_UNAVAILABLE' });
}
