import { DleError } from '@dle/common';
import type { Card } from '../formation/decide.js';
import {
  IDENTIFY_TIMEOUT_MS,
  type IdentifyComponents,
  identify,
  identifyingClient,
} from '../formation/identify.js';
import { refusedChange } from './change-refused.js';
import type { Member } from './member.js';

/**
 * Who the new node at `address` is, as it says itself: it must have the id that it is to have, be
 * in no other cluster than `cluster`, and be reached where it says that it is.
 *
 * @throws DleError `DLE_CHANGE_REFUSED`
 */
export async function introduce(
  components: IdentifyComponents,
  self: Member,
  newcomer: { readonly id: number; readonly address: string },
  cluster: string,
): Promise<Member> {
  const { id, address } = newcomer;
  const card = await askForCard(components, self, address);
  if (card.id !== id) {
    throw refusedChange('invalid', `the node at ${address} is node ${card.id}, not ${id}`);
  }
  if (card.cluster !== undefined && card.cluster !== cluster) {
    throw refusedChange(
      'invalid',
      `node ${id} at ${address} is in another cluster (${card.cluster}), maybe one that it has ` +
        'formed by itself: start it with an empty data directory and --join',
    );
  }
  if (card.address !== address) await checkAdvertised(components, self, card);
  return { id, instance: card.instance, address: card.address };
}

/** Members that cannot reach it, because it names itself badly, would get to know it too late. */
async function checkAdvertised(
  components: IdentifyComponents,
  self: Member,
  { id, instance, address }: Card,
): Promise<void> {
  let why: unknown;
  try {
    const there = await askForCard(components, self, address);
    if (there.instance === instance) return;
  } catch (thrown) {
    why = thrown;
  }
  throw refusedChange(
    'unreachable',
    `node ${id} says that others reach it at ${address}, and it is not reached there: start it ` +
      'with --advertise HOST:PORT',
    why,
  );
}

async function askForCard(
  components: IdentifyComponents,
  self: Member,
  address: string,
): Promise<Card> {
  const client = identifyingClient(components, self, address);
  try {
    return await identify(await client.connect({ timeoutMs: IDENTIFY_TIMEOUT_MS }));
  } catch (thrown) {
    const { code, message, cause } = DleError.from(thrown);
    const why = cause instanceof DleError ? cause.message : message;
    const text = `no node answers at ${address} (${why}): start the new node there first`;
    throw refusedChange(code === 'DLE_FORMAT' ? 'invalid' : 'unreachable', text, thrown);
  } finally {
    await client.close();
  }
}
