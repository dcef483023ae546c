import { DleError } from '@dle/common';
import type { Control } from '@dle/net';
import { isMemberList } from '../member.js';
import type { Card } from './decide.js';

/** The op of the one request that nodes without a cluster answer each other. */
export const IDENTIFY = 'identify';

/** A card from outside. Throws `DLE_FORMAT`. */
export function parseCard(control: Control): Card {
  const { id, instance, address, cluster, members, ids } = control;
  if (!isMemberList([{ id, instance, address }])) throw badCard('it does not say who it is of');
  if (cluster !== undefined && typeof cluster !== 'string') throw badCard('its cluster is no id');
  if (members !== undefined && !isMemberList(members)) throw badCard('its members are no members');
  if (!Array.isArray(ids) || !ids.every(Number.isSafeInteger)) throw badCard('its ids are no ids');
  return control as unknown as Card;
}

function badCard(message: string): DleError {
  return new DleError('DLE_FORMAT', `bad answer to '${IDENTIFY}': ${message}`);
}
