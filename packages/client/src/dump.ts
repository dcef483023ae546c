import { DleError, isDleError } from '@dle/common';
import { type CallComponents, perform } from './call.js';
import type { Link } from './link.js';
import {
  type DumpPage,
  dumpRequest,
  type Pair,
  parseDumpPage,
  type ReadLevel,
  readPairs,
  releaseRequest,
} from './protocol/index.js';
import { type Route, routeTo } from './route.js';

export interface DumpCall {
  readonly level: ReadLevel;
  /** Which node to begin with; all pages come from the one that answers first. */
  readonly route: Route;
  /** For each page. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Bytes of pairs in a page: at most about this much of a dump is held here. */
const PAGE_BYTES = 1024 * 1024;

/** Letting go is a courtesy, which nobody waits for; a node does it by itself after a while. */
const RELEASE_TIMEOUT_MS = 1_000;

/** All pairs as they were at one index, page by page from one node. */
export async function* dumpPairs(
  components: CallComponents,
  call: DumpCall,
): AsyncGenerator<Pair, void, undefined> {
  const first = await askForPage(components, call, call.route, undefined, true);
  const { link } = first;
  let { page } = first;
  try {
    for (;;) {
      yield* readPairs(page.pairs);
      if (page.cursor === undefined) return;
      page = await nextPage(components, call, link, page);
    }
  } finally {
    if (page.cursor !== undefined) release(link, page.cursor);
  }
}

/**
 * A page is asked for again only if the node has certainly not seen the request: it need not know a
 * cursor any more that it has answered. And the pages of two dumps must never be taken for one.
 */
async function nextPage(
  components: CallComponents,
  call: DumpCall,
  link: Link,
  before: DumpPage,
): Promise<DumpPage> {
  const { page } = await askForPage(components, call, routeTo(link), before.cursor, false).catch(
    (error: unknown) => {
      if (isDleError(error, 'DLE_ABORTED', 'DLE_CLOSED')) throw error;
      // Whoever begins again at once need not meet the same.
      components.links.giveUp(link);
      if (isDleError(error, 'DLE_CURSOR_LOST')) throw error;
      throw cursorLost(DleError.from(error).message, error);
    },
  );
  if (page.index !== before.index) {
    throw cursorLost(`the node went over from index ${before.index} to ${page.index}`);
  }
  return page;
}

function askForPage(
  components: CallComponents,
  { level, timeoutMs, signal }: DumpCall,
  route: Route,
  cursor: string | undefined,
  repeatable: boolean,
): Promise<{ page: DumpPage; link: Link }> {
  return perform(components, {
    name: 'dump',
    envelope: dumpRequest(PAGE_BYTES, level, cursor),
    repeatable,
    route,
    parse: ({ control, raw }, link) => ({ page: parseDumpPage(control, raw), link }),
    timeoutMs,
    signal,
  });
}

function cursorLost(why: string, cause?: unknown): DleError {
  const message = `the dump cannot go on, begin it again: ${why}`;
  return new DleError('DLE_CURSOR_LOST', message, { cause });
}

function release(link: Link, cursor: string): void {
  const { control, raw } = releaseRequest(cursor);
  link.rpc?.request(control, raw, { timeoutMs: RELEASE_TIMEOUT_MS }).catch(() => {});
}
