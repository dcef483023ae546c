import { isDeepStrictEqual } from 'node:util';
import { type Clock, DleError, type Logger } from '@dle/common';
import type { Vfs } from '@dle/storage/internal';
import { isIdList } from '../membership/membership.js';
import { pause } from '../pause.js';
import { readRecord, writeRecord } from './durable-file.js';

/** Two copies, for it matters most where other files of the directory are damaged. */
export const IDENTITY_NAMES = ['identity', 'identity.copy'] as const;

/**
 * How far ahead of the present term a ceiling is set, and from where on it is raised: so far that
 * neither elections nor what repairs of other members add comes near it before it has been raised;
 * and there is room for a million repairs.
 */
const CEILING_AHEAD = 2 ** 32;
const CEILING_MARGIN = 2 ** 31;

/** So often a node looks whether both copies are as they should be, in milliseconds. */
const LOOK_MS = 60_000;

/**
 * What a node knows of itself where nothing of its store can be read: it is then the same member,
 * without its data, and not a new one.
 */
export interface Identity {
  /** Random id of its data directory. */
  readonly instance: string;
  readonly cluster: string;
  /** A term that it has never been in. */
  readonly termCeiling: number;
  /** Who votes by the last configuration that it knew as committed; none: it knew none. */
  readonly voters: readonly number[];
  /** Where the members of that are reached. */
  readonly addresses: readonly string[];
  /** Id of the newest segment of its log; 0: not known. One like that, or a newer one, is there. */
  readonly lastSegment: number;
}

/**
 * Whether there are others that `self` could be made whole from; whether they can now is theirs to
 * say (`Sparing`).
 */
export function canBeRepaired({ voters }: Identity, self: number): boolean {
  return voters.length === 0 || voters.some((id) => id !== self);
}

/**
 * The identity found in `directory`: the copy that knows more, if one is damaged or older.
 * `undefined`: it has none, or none that can be read.
 */
export async function readIdentity(
  components: { readonly vfs: Vfs; readonly logger: Logger },
  directory: string,
): Promise<Identity | undefined> {
  let found: Identity | undefined;
  for (const name of IDENTITY_NAMES) {
    try {
      const record = await readRecord(components.vfs, directory, name);
      if (record === undefined) continue;
      const copy = parse(record);
      if (found === undefined || copy.termCeiling > found.termCeiling) found = copy;
    } catch (thrown) {
      const { code, message } = DleError.from(thrown);
      components.logger.warn({ code }, `a copy of the node's identity cannot be read: ${message}`);
    }
  }
  return found;
}

/** Writes the identity whenever what it says is no longer so, or a copy of it has rotted. */
export class IdentityKeeper {
  readonly #vfs: Vfs;
  readonly #logger: Logger;
  readonly #directory: string;
  #identity: Identity;
  #isWriting = false;
  #isOutdated = false;
  readonly #closing = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  /** Why it could not be written last. */
  #failure: DleError | undefined;
  #last: Promise<void> = Promise.resolve();

  /** `identity` is written at once, see `settled`. */
  constructor(
    components: { readonly vfs: Vfs; readonly logger: Logger },
    directory: string,
    identity: Pick<Identity, 'instance' | 'cluster'> & Partial<Identity>,
  ) {
    this.#vfs = components.vfs;
    this.#logger = components.logger;
    this.#directory = directory;
    const nothing = { termCeiling: CEILING_AHEAD, voters: [], addresses: [], lastSegment: 0 };
    this.#identity = { ...nothing, ...identity };
    this.#write();
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Resolves when what was noted last is on the device, or could not be written. */
  get settled(): Promise<void> {
    return this.#last;
  }

  noteTerm(term: number): void {
    if (term > this.#identity.termCeiling - CEILING_MARGIN) {
      this.#note({ termCeiling: term + CEILING_AHEAD });
    }
  }

  noteMembers(voters: readonly number[], addresses: readonly string[]): void {
    const known = this.#identity;
    const isNew = voters.join() !== known.voters.join();
    if (isNew || addresses.join() !== known.addresses.join()) this.#note({ voters, addresses });
  }

  noteSegment(lastSegment: number): void {
    if (lastSegment !== this.#identity.lastSegment) this.#note({ lastSegment });
  }

  /**
   * The log is about to begin anew, with lower ids. Rejects with what keeps that from being
   * durable: the new log would be taken for one that has lost its end.
   */
  async forgetSegments(): Promise<void> {
    this.#note({ lastSegment: 0 });
    await this.settled;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Looks at the copies now and then, until it is closed: they are needed where all else is
   * damaged, and nobody reads them before.
   */
  watch(clock: Clock): void {
    this.#watching = this.#watch(clock);
  }

  /** Writes both copies anew if one is not there, cannot be read, or says anything else. */
  async look(): Promise<void> {
    if (this.#isWriting || !(await this.#hasRotted())) return;
    this.#logger.warn({}, "a copy of the node's identity is damaged or gone, and is written anew");
    this.#write();
    await this.settled;
  }

  /** Writes nothing any more; what is being written is done when it resolves. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watching;
    await this.settled;
  }

  async #watch(clock: Clock): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await pause(clock, LOOK_MS, signal);
      if (!signal.aborted) await this.look();
    }
  }

  async #hasRotted(): Promise<boolean> {
    for (const name of IDENTITY_NAMES) {
      const wanted = this.#identity;
      const found = await readRecord(this.#vfs, this.#directory, name).catch(() => undefined);
      // What has changed meanwhile is written by whoever has changed it.
      if (wanted === this.#identity && !isDeepStrictEqual(found, wanted)) return true;
    }
    return false;
  }

  #note(change: Partial<Identity>): void {
    this.#identity = { ...this.#identity, ...change };
    this.#write();
  }

  #write(): void {
    if (this.#closing.signal.aborted) return;
    this.#isOutdated = true;
    if (!this.#isWriting) this.#last = this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    this.#failure = undefined;
    try {
      while (this.#isOutdated) {
        this.#isOutdated = false;
        const content = this.#identity;
        for (const name of IDENTITY_NAMES) {
          await writeRecord(this.#vfs, this.#directory, name, content);
        }
      }
    } catch (thrown) {
      // It is for the day when the disk is damaged: today nothing depends on it.
      this.#failure = DleError.from(thrown);
      const { code, message } = this.#failure;
      this.#logger.warn({ code }, `the node's identity cannot be written: ${message}`);
    } finally {
      this.#isWriting = false;
    }
  }
}

function parse(record: Readonly<Record<string, unknown>>): Identity {
  const { instance, cluster, termCeiling, voters, addresses, lastSegment } = record;
  const isRight =
    typeof instance === 'string' &&
    typeof cluster === 'string' &&
    Number.isSafeInteger(termCeiling) &&
    isIdList(voters) &&
    Array.isArray(addresses) &&
    addresses.every((address) => typeof address === 'string') &&
    Number.isSafeInteger(lastSegment);
  if (isRight) return record as unknown as Identity;
  throw new DleError('DLE_FORMAT', 'it has other fields than this version knows');
}
