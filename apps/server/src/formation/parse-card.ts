import { DleError } from '@dle/common';
import type { Answer, Control } from '@dle/net';
import { isMemberList } from '../membership/member.js';
import { isIdList } from '../membership/membership.js';
import type { Card } from './decide.js';

/** The op of the one request that nodes answer each other before they are in one cluster. */
export const IDENTIFY = 'identify';

/** The answer to it. @throws DleError `DLE_INVALID_ARGUMENT`: it is another request */
export function answerIdentify(control: Control, card: Card): Answer {
  if (control.op === IDENTIFY) return { control: { ...card } };
  const message = `a connection that looks for its cluster can ask for '${IDENTIFY}' only`;
  throw new DleError('DLE_INVALID_ARGUMENT', message);
}

/** A card from outside. Throws `DLE_FORMAT`. */
export function parseCard(control: Control): Card {
  const { id, instance, address, cluster, members, retired, ids } = control;
  if (!isMemberList([{ id, instance, address }])) throw badCard('it does not say who it is of');
  if (cluster !== undefined && typeof cluster !== 'string') throw badCard('its cluster is no id');
  if (members !== undefined && !isMemberList(members)) throw badCard('its members are no members');
  if (retired !== undefined && !isIdList(retired)) throw badCard('those it has removed are no ids');
  if (!isIdList(ids)) throw badCard('its ids are no ids');
  return control as unknown as Card;
}

function badCard(message: string): DleError {
  return new DleError('DLE_FORMAT', `bad answer to '${IDENTIFY}': ${message}`);
}
