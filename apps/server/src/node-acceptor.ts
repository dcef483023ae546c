import { DleError } from '@dle/common';
import type { Acceptor, Answer, Control, Hello, Rpc, RpcHandler, Welcome } from '@dle/net';
import { PROTOCOL_RANGE } from '@dle/net';
import type { ClientApi } from './api/client-api.js';
import type { Card } from './formation/decide.js';
import { FORMING_LANE } from './formation/formation.js';
import { IDENTIFY } from './formation/parse-card.js';
import type { Member } from './member.js';
import type { PeerTransport } from './peers/peer-transport.js';

export interface NodeAcceptorComponents {
  readonly self: () => Member;
  readonly api: () => ClientApi;
  /** What this node says of itself to one that looks for its cluster. */
  readonly card: () => Card;
  /** `undefined` while the cluster is being formed. */
  readonly transport: () => PeerTransport | undefined;
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
    const { cluster } = this.#components.card();
    if (hello.target !== undefined && hello.target !== self.id) {
      throw refused('DLE_HELLO_REFUSED', `this is node ${self.id}, not node ${hello.target}`);
    }
    if (hello.role === 'member' && hello.lane !== FORMING_LANE) this.#judgeMember(hello);
    const welcome = { protocol: PROTOCOL_RANGE[1], node: self.id, instance: self.instance };
    return cluster === undefined ? welcome : { ...welcome, cluster };
  }

  accepted(rpc: Rpc): RpcHandler {
    const api = this.#components.api();
    if (rpc.hello.role === 'client') {
      return { request: (control, raw) => api.handle(control, raw) };
    }
    if (rpc.hello.lane === FORMING_LANE) return { request: (control) => this.#identify(control) };
    const members = this.#components.transport();
    members?.addInbound(rpc);
    return {
      ...members?.handler(),
      request: (control, raw) => api.handle(control, raw),
      closed: () => members?.removeInbound(rpc),
    };
  }

  #judgeMember(hello: Hello): void {
    const self = this.#components.self();
    const { cluster, members } = this.#components.card();
    if (cluster === undefined) {
      throw refused('DLE_UNAVAILABLE', `node ${self.id} is not in a cluster yet`);
    }
    if (hello.cluster !== cluster) {
      throw refused(
        'DLE_FOREIGN_CLUSTER',
        `node ${self.id} is in cluster ${cluster}, not in ${hello.cluster ?? 'one without an id'}`,
      );
    }
    if (members === undefined) return;
    const known = members.find((member) => member.id === hello.node);
    if (known === undefined) {
      throw refused('DLE_NOT_A_MEMBER', `cluster ${cluster} has no node ${hello.node}`);
    }
    if (known.instance !== hello.instance) {
      throw refused(
        'DLE_WIPED_MEMBER',
        `cluster ${cluster} knows node ${known.id} by another data directory ` +
          `(instance ${known.instance}, not ${hello.instance})`,
      );
    }
  }

  #identify(control: Control): Answer {
    if (control.op !== IDENTIFY) {
      const message = `a connection that looks for its cluster can ask for '${IDENTIFY}' only`;
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    return { control: { ...this.#components.card() } };
  }
}

function refused(
  code:
    | 'DLE_HELLO_REFUSED'
    | 'DLE_UNAVAILABLE'
    | 'DLE_FOREIGN_CLUSTER'
    | 'DLE_NOT_A_MEMBER'
    | 'DLE_WIPED_MEMBER',
  message: string,
): DleError {
  return new DleError(code, message, { retryable: code === 'DLE_UNAVAILABLE' });
}
