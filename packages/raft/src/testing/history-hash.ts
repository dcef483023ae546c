import type { Configuration, CoreEffect, Event, Message } from '../core/types.js';

const MESSAGE_TYPES: readonly Message['type'][] = [
  'preVoteRequest',
  'preVoteResponse',
  'voteRequest',
  'voteResponse',
  'appendRequest',
  'appendResponse',
  'heartbeat',
  'heartbeatResponse',
  'timeoutNow',
  'readIndexRequest',
  'readIndexResponse',
];
const EVENT_TYPES: readonly Event['type'][] = [
  'tick',
  'message',
  'propose',
  'read',
  'flushed',
  'campaign',
  'changeMembers',
  'transfer',
  'snapshotEnded',
  'purge',
  'resign',
];
const EFFECT_TYPES: readonly CoreEffect['type'][] = [
  'saveVote',
  'appendProposed',
  'appendNoop',
  'appendConfiguration',
  'appendReceived',
  'send',
  'commit',
  'readable',
  'readRefused',
  'proposalRefused',
  'changeRefused',
  'transferStarted',
  'transferRefused',
  'transferFailed',
  'sendSnapshot',
  'purge',
  'role',
];

/**
 * A fingerprint of a whole run: two runs have the same one only if every step was the same. FNV-1a.
 */
export class HistoryHash {
  #hash = 0x811c9dc5;

  get value(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  add(node: number, event: Event, effects: readonly CoreEffect[]): void {
    this.#mix(node);
    this.#mix(event.now);
    this.#mix(EVENT_TYPES.indexOf(event.type));
    if (event.type === 'message') this.#message(event.message);
    for (const effect of effects) this.#effect(effect);
  }

  #effect(effect: CoreEffect): void {
    this.#mix(EFFECT_TYPES.indexOf(effect.type));
    if (effect.type === 'send') this.#message(effect.message);
    else if (effect.type === 'purge') this.#mix(effect.base.index);
    else this.#fields(effect);
  }

  #message(message: Message): void {
    this.#mix(MESSAGE_TYPES.indexOf(message.type));
    this.#fields(message);
  }

  /** All numbers and flags of a plain object, in the order it was made with. */
  #fields(object: object): void {
    for (const value of Object.values(object)) {
      if (typeof value === 'number') this.#mix(value);
      else if (typeof value === 'boolean') this.#mix(value ? 1 : 0);
      else if (Array.isArray(value)) for (const element of value) this.#mix(element as number);
      else if (isConfiguration(value)) this.#fields(value);
    }
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ (value & 0xffff), 0x01000193);
    this.#hash = Math.imul(this.#hash ^ (value >>> 16), 0x01000193);
  }
}

function isConfiguration(value: unknown): value is Configuration {
  return typeof value === 'object' && value !== null && 'voters' in value;
}
