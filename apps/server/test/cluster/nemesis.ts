import { type Random, randomBelow, SeededRandom } from '@dle/common';
import type { Churn, ChurnKind } from './churn.js';
import type { FaultyCluster } from './faulty-cluster.js';
import type { LinkFault } from './network.js';

/** Whom a fault befalls: who leads when it comes, one who does not, or whoever the dice say. */
type Victim = 'leader' | 'follower' | 'anybody';

/**
 * - `kill`, `stop`, `pause`: SIGKILL, SIGTERM, SIGSTOP.
 * - `blackout`: SIGKILL to all.
 * - `isolate`: nothing gets to it or away from it. `mute`: nothing gets away. `deafen`: nothing
 *   gets to it.
 * - `part`: nothing passes between it and one of the others.
 * - `slow`: what passes between it and the others is late; `slowAll`: between any two.
 * - Changes of the members and of who leads: see `ChurnKind`. They last as long as they take.
 */
type FaultKind =
  | 'kill'
  | 'stop'
  | 'pause'
  | 'blackout'
  | 'isolate'
  | 'mute'
  | 'deafen'
  | 'part'
  | 'slow'
  | 'slowAll'
  | ChurnKind;

export interface Fault {
  readonly kind: FaultKind;
  readonly victim: Victim;
  /** Milliseconds after the beginning. */
  readonly at: number;
  readonly lastsMs: number;
  /**
   * What becomes of bytes on a broken link: they come late, never, or the connection is reset.
   * Without it, and for slow links, they come `delayMs` later.
   */
  readonly how: 'hold' | 'drop' | 'refuse';
  readonly delayMs: number;
  /** Decides what is left open. */
  readonly dice: number;
}

const CHURN_KINDS: readonly ChurnKind[] = ['transfer', 'grow', 'shrink', 'replace', 'wipe'];
const KINDS: readonly FaultKind[] = [
  ...([
    'kill',
    'kill',
    'kill',
    'pause',
    'pause',
    'pause',
    'isolate',
    'isolate',
    'isolate',
  ] as const),
  ...(['part', 'part', 'mute', 'mute', 'deafen', 'deafen', 'slow', 'slowAll', 'stop'] as const),
  'blackout',
  ...CHURN_KINDS,
  ...CHURN_KINDS,
];
const VICTIMS: readonly Victim[] = ['leader', 'leader', 'follower', 'anybody'];
const HOW = ['hold', 'drop', 'refuse'] as const;

/** Longer than an election timeout with default options, and than two. */
const MAX_LASTS_MS = 3_500;
const MIN_LASTS_MS = 200;
/**
 * From one fault to the next. Each seed draws its own limit in these bounds: in some, faults come
 * while others go on and hardly anything succeeds; in others, after the election that the one
 * before has caused.
 */
const MAX_GAP_MS = { least: 1_000, most: 6_000 };
const MAX_DELAY_MS = 400;

/** The faults of a seed, for as long as `durationMs`. The same seed has the same ones. */
export function scheduleOf(seed: number, durationMs: number): Fault[] {
  const random = new SeededRandom(seed);
  const maxGapMs = between(random, MAX_GAP_MS.least, MAX_GAP_MS.most);
  const faults: Fault[] = [];
  for (let at = between(random, 200, 1_500); at < durationMs; ) {
    faults.push({
      kind: oneOf(random, KINDS),
      victim: oneOf(random, VICTIMS),
      at,
      lastsMs: Math.min(between(random, MIN_LASTS_MS, MAX_LASTS_MS), durationMs - at),
      how: oneOf(random, HOW),
      delayMs: between(random, 5, MAX_DELAY_MS),
      dice: random.nextUint32(),
    });
    at += between(random, 100, maxGapMs);
  }
  return faults;
}

export function describeFault({ kind, victim, at, lastsMs, how, delayMs }: Fault): string {
  const links = ['isolate', 'part', 'mute', 'deafen'].includes(kind) ? ` (${how})` : '';
  const late = kind.startsWith('slow') ? ` by ${delayMs} ms` : '';
  const whom = ['blackout', 'slowAll', 'grow'].includes(kind) ? '' : ` ${victim}`;
  const during = isChurn(kind) ? '' : ` for ${lastsMs} ms`;
  return `at ${at} ms: ${kind}${whom}${links}${late}${during}`;
}

function isChurn(kind: FaultKind): kind is ChurnKind {
  return (CHURN_KINDS as readonly FaultKind[]).includes(kind);
}

/**
 * Lets the faults befall a cluster. Resolves when all of them are over, with what each of them has
 * hit.
 */
export async function letBefall(
  cluster: FaultyCluster,
  churn: Churn,
  schedule: readonly Fault[],
): Promise<string[]> {
  const start = performance.now();
  const hits: string[] = [];
  const over: Promise<void>[] = [];
  try {
    for (const fault of schedule) {
      await pause(start + fault.at - performance.now());
      const place = hits.push(describeFault(fault)) - 1;
      const end = oneEvent(cluster, churn, fault, (told) => {
        hits[place] += `: ${told}`;
      });
      end.catch(() => {});
      over.push(end);
    }
  } finally {
    // Nothing may be mended, and no node started, once the cluster has been given up.
    await Promise.allSettled(over);
  }
  await Promise.all(over);
  return hits;
}

/** Tells what it has hit, and what has come of it. */
async function oneEvent(
  cluster: FaultyCluster,
  churn: Churn,
  fault: Fault,
  tell: (what: string) => void,
): Promise<void> {
  if (isChurn(fault.kind)) {
    tell(await churn.carryOut(fault.kind, async () => (await victimsOf(cluster, fault))[0]));
    return;
  }
  const [victim, other] = await victimsOf(cluster, fault);
  tell(`node ${victim}`);
  const mend = await strike(cluster, fault, victim, other);
  await pause(fault.lastsMs);
  mend();
}

/** Does the damage. Returns how to mend it. */
async function strike(
  cluster: FaultyCluster,
  { kind, how, delayMs }: Fault,
  victim: number,
  other: number,
): Promise<() => void> {
  const others = cluster.ids.filter((id) => id !== victim);
  const rules: LinkFault['how'] = how === 'refuse' ? how : { [how]: true };
  const away = others.map((to) => ({ from: victim, to, how: rules }));
  const hither = others.map((from) => ({ from, to: victim, how: rules }));
  const late = ({ from, to }: LinkFault): LinkFault => ({ from, to, how: { delayMs } });
  switch (kind) {
    case 'kill':
    case 'stop':
      return endNodes(cluster, [victim], kind === 'kill' ? 'SIGKILL' : 'SIGTERM');
    case 'blackout':
      return endNodes(cluster, cluster.ids, 'SIGKILL');
    case 'pause':
      cluster.pauseNode(victim);
      return () => cluster.resumeNode(victim);
    case 'isolate':
      return cluster.failLinks([...away, ...hither]);
    case 'mute':
      return cluster.failLinks(away);
    case 'deafen':
      return cluster.failLinks(hither);
    case 'part':
      return cluster.failLinks([
        { from: victim, to: other, how: rules },
        { from: other, to: victim, how: rules },
      ]);
    case 'slow':
      return cluster.failLinks([...away, ...hither].map(late));
    case 'slowAll': {
      const all = cluster.ids.flatMap((from) =>
        cluster.ids.map((to) => ({ from, to, how: rules })),
      );
      return cluster.failLinks(all.filter(({ from, to }) => from !== to).map(late));
    }
    default:
      throw new Error(`${kind} is no damage`);
  }
}

async function endNodes(
  cluster: FaultyCluster,
  ids: readonly number[],
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<() => void> {
  await Promise.all(ids.map((id) => cluster.endNode(id, signal)));
  return () => {
    for (const id of ids) cluster.startNode(id);
  };
}

/** The victim, and one of the others. */
async function victimsOf(
  cluster: FaultyCluster,
  { victim, dice }: Fault,
): Promise<[number, number]> {
  const leader = await cluster.leader();
  const drawn = (ids: readonly number[]): number => ids[dice % ids.length]!;
  const followers = cluster.ids.filter((id) => id !== leader);
  const candidates = { leader: leader ?? drawn(cluster.ids), follower: drawn(followers) };
  const first = victim === 'anybody' ? drawn(cluster.ids) : candidates[victim];
  const others = cluster.ids.filter((id) => id !== first);
  return [first, others[(dice >>> 8) % others.length]!];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

function between(random: Random, least: number, most: number): number {
  return least + randomBelow(random, most - least + 1);
}

function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[randomBelow(random, choices.length)]!;
}
