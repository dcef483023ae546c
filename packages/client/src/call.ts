import { setMaxListeners } from 'node:events';
import { type Clock, DleError, type DleErrorCode, type Random, randomBelow } from '@dle/common';
import type { Reply, Waiter } from '@dle/net';
import type { KeepAlive } from './keep-alive.js';
import type { Link } from './link.js';
import type { Links } from './links.js';
import { type Envelope, LEADER_HINT } from './protocol/index.js';
import type { Route } from './route.js';

/** What a call does, and for how long it may try. */
export interface Call<Result> {
  /** For messages. */
  readonly name: string;
  readonly envelope: Envelope;
  /**
   * Whether it may be carried out twice. If not, it is sent again only if it certainly was not
   * carried out.
   */
  readonly repeatable: boolean;
  readonly route: Route;
  /** Understands the answer. @throws DleError `DLE_FORMAT` */
  readonly parse: (reply: Reply, link: Link) => Result;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface CallComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly links: Links;
  readonly keepAlive: KeepAlive;
}

/**
 * The first try of a repeatable call waits this long, in milliseconds, each further one twice as
 * long: a node that hangs costs little, and a large value over a slow line still gets through.
 * Others have one try, until the end.
 */
const FIRST_TRY_MS = 2_000;

/**
 * With less time left than this, in milliseconds, a write is not sent any more: it would hardly be
 * answered, and then nobody could say that nothing was done.
 */
const MIN_WRITE_TRY_MS = 50;

/**
 * Bounds of the wait between two tries, in milliseconds; drawn evenly between 0 and the bound,
 * which doubles.
 */
const MIN_BACKOFF_MS = 20;
const MAX_BACKOFF_MS = 200;

/**
 * Tries until there is an answer, an error that trying again cannot mend, or no time left. Where it
 * is not known whether a write took effect, the trying ends: whether to repeat it is for the caller
 * to say.
 *
 * @throws DleError `DLE_TIMEOUT` (effect `none`), `DLE_OUTCOME_UNKNOWN`, `DLE_ABORTED`,
 *   `DLE_CLOSED`, `DLE_FORMAT`,
 *   and what the cluster refuses it with
 */
export function perform<Result>(components: CallComponents, call: Call<Result>): Promise<Result> {
  // One signal for thousands of calls is fine: each takes its listener off, so there is no leak to
  // warn of.
  if (call.signal !== undefined) setMaxListeners(0, call.signal);
  call.route.start();
  return new Promise((resolve, reject) => {
    new Attempts(components, call, resolve, reject).begin();
  });
}

/**
 * One call, from try to try. An object of its own, and no chain of async functions: with six
 * promises for each call, half of what a put cost a client was their turns.
 */
class Attempts<Result> implements Waiter {
  readonly #components: CallComponents;
  readonly #call: Call<Result>;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: DleError) => void;
  #deadline = 0;
  #tries = 0;
  /** The one that is being asked. */
  #link: Link | undefined;
  /** What each link that was asked has failed with. */
  #failures: Map<Link, DleError> | undefined;

  constructor(
    components: CallComponents,
    call: Call<Result>,
    resolve: (result: Result) => void,
    reject: (error: DleError) => void,
  ) {
    this.#components = components;
    this.#call = call;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    const { clock, keepAlive } = this.#components;
    const now = clock.now();
    this.#deadline = now + this.#call.timeoutMs;
    keepAlive.begin();
    this.#try(now);
  }

  succeed(reply: Reply): void {
    const link = this.#link!;
    link.ended();
    let result: Result;
    try {
      result = this.#call.parse(reply, link);
    } catch (cause) {
      // The node has done something and says it in a way that nobody here understands.
      const { code, message } = DleError.from(cause);
      const effect = this.#call.repeatable ? 'none' : 'unknown';
      this.#failed(link, new DleError(code, message, { cause, effect }));
      return;
    }
    this.#components.keepAlive.end();
    this.#resolve(result);
  }

  fail(error: DleError): void {
    const link = this.#link!;
    link.ended(error);
    this.#failed(link, error);
  }

  #try(now: number): void {
    const { route, signal } = this.#call;
    const refusal = this.#refusal(now);
    const link = refusal === undefined ? route.pick(now) : undefined;
    if (refusal !== undefined) this.#end(refusal);
    else if (link !== undefined) this.#ask(link, now);
    else this.#tryAfter(this.#components.links.connected.wait(this.#deadline - now, signal));
  }

  /** Why there is no other try. */
  #refusal(now: number): DleError | undefined {
    const call = this.#call;
    if (this.#components.links.closed) return new DleError('DLE_CLOSED', 'the client is closed');
    if (call.signal?.aborted === true) return aborted(call);
    return isOver(call, this.#deadline - now) ? outOfTime(call, this.#failures) : undefined;
  }

  #ask(link: Link, now: number): void {
    const { envelope, repeatable, signal } = this.#call;
    const remainingMs = this.#deadline - now;
    const patienceMs = repeatable ? FIRST_TRY_MS * 2 ** this.#tries : remainingMs;
    const timeoutMs = Math.min(patienceMs, remainingMs);
    this.#link = link;
    link.ask(envelope, this, signal === undefined ? { timeoutMs } : { timeoutMs, signal }, now);
  }

  #failed(link: Link, error: DleError): void {
    if (mayTryAgain(this.#call, error)) this.#tryAgain(link, error);
    else this.#end(finalError(this.#call, link, error));
  }

  #tryAgain(link: Link, error: DleError): void {
    const { clock, random, links } = this.#components;
    this.#failures ??= new Map();
    // That the last try ran out of time says less than what the one before it was told.
    const isNews = !hasCode(error, 'DLE_TIMEOUT') || !this.#failures.has(link);
    if (isNews) this.#failures.set(link, error);
    learn(links, link, error);
    const backoffMs = Math.min(MIN_BACKOFF_MS * 2 ** this.#tries++, MAX_BACKOFF_MS);
    const boundMs = Math.min(backoffMs, this.#deadline - clock.now());
    const pauseMs = Math.max(0, randomBelow(random, boundMs));
    this.#tryAfter(links.closing.wait(pauseMs, this.#call.signal));
  }

  #tryAfter(wait: Promise<void>): void {
    void wait.then(() => this.#try(this.#components.clock.now()));
  }

  #end(error: DleError): void {
    this.#components.keepAlive.end();
    this.#reject(error);
  }
}

function isOver<Result>(call: Call<Result>, remainingMs: number): boolean {
  if (call.repeatable) return remainingMs <= 0;
  return remainingMs < Math.min(MIN_WRITE_TRY_MS, call.timeoutMs / 2);
}

/** Whether another try is safe, and may help. */
function mayTryAgain<Result>(call: Call<Result>, error: DleError): boolean {
  if (hasCode(error, 'DLE_ABORTED')) return false;
  if (isUnsure(error)) return call.repeatable;
  return error.retryable || hasCode(error, 'DLE_CONNECTION_LOST', 'DLE_TIMEOUT');
}

function isUnsure(error: DleError): boolean {
  return error.effect === 'unknown' || hasCode(error, 'DLE_OUTCOME_UNKNOWN');
}

/** What the caller gets to see of the error that ends a call. */
function finalError<Result>(call: Call<Result>, link: Link, error: DleError): DleError {
  // A read that was given up has done nothing, sent or not.
  if (hasCode(error, 'DLE_ABORTED')) return call.repeatable ? aborted(call) : error;
  if (!isUnsure(error) || hasCode(error, 'DLE_OUTCOME_UNKNOWN')) return error;
  const message =
    `the ${call.name} was sent to ${link.address}, and it is not known whether it took effect ` +
    `(${describe(error)})`;
  return new DleError('DLE_OUTCOME_UNKNOWN', message, { cause: error, effect: 'unknown' });
}

/** Whom to ask next, after a failure. */
function learn(links: Links, link: Link, error: DleError): void {
  // Whoever else is asked would pass it on to the same leader, which is overloaded, or will not.
  if (hasCode(error, 'DLE_OVERLOADED', 'DLE_CHANGE_REFUSED')) return;
  links.giveUp(link);
  const hint = error.details?.[LEADER_HINT];
  if (typeof hint === 'string') links.follow(link, hint);
}

function aborted<Result>(call: Call<Result>): DleError {
  const cause = call.signal?.reason;
  return new DleError('DLE_ABORTED', `the ${call.name} was given up`, { cause });
}

function outOfTime<Result>(
  call: Call<Result>,
  failures: ReadonlyMap<Link, DleError> = new Map(),
): DleError {
  // Why the cluster would not is what one has to know; that one has waited for it, one knows.
  const refusal = [...failures.values()].find((error) => hasCode(error, 'DLE_CHANGE_REFUSED'));
  if (refusal !== undefined) return refusal;
  const tried = [...new Set([...call.route.links(), ...failures.keys()])];
  const errors = tried.map((link) => failures.get(link) ?? link.lastError);
  const reports = tried.map(({ address }, index) => {
    const error = errors[index];
    // Many messages begin with the address; once is enough.
    const report = error && describe(error).replace(`: ${address} `, ': ');
    return `${address} (${report ?? 'no answer yet'})`;
  });
  const message = `the ${call.name} did not succeed within ${Math.round(call.timeoutMs)} ms: ${reports.join(', ')}`;
  const cause = errors.find((error) => error !== undefined);
  return new DleError('DLE_TIMEOUT', message, { cause, retryable: true });
}

function describe(error: DleError): string {
  return `${error.code}: ${error.message}`;
}

function hasCode(error: DleError, ...codes: readonly DleErrorCode[]): boolean {
  return codes.includes(error.code);
}
