import { DleError } from '@dle/common';
import type { Client } from '../../client.js';
import type { NodeStatus } from '../../protocol/index.js';

/** What came of asking one address. */
export interface Finding {
  readonly address: string;
  readonly status: NodeStatus | undefined;
  /** Why there is no status. */
  readonly error: DleError | undefined;
  /** Id of the node; of one that did not answer, what the others say. */
  readonly node: number | undefined;
}

export interface Survey {
  readonly findings: readonly Finding[];
  /** Who leads in the newest term that anybody has heard of, if anybody does. */
  readonly leader: number | undefined;
}

/** Asks every endpoint, and every member that those name and that has not answered yet. */
export async function surveyCluster(
  client: Client,
  endpoints: readonly string[],
  timeoutMs: number,
): Promise<Survey> {
  const ask = (addresses: readonly string[]) =>
    Promise.all(addresses.map((address) => askNode(client, address, timeoutMs)));
  const first = await ask([...new Set(endpoints)]);
  const named = namedMembers(first);
  const answered = new Set(first.map(({ node }) => node));
  const asked = new Set(first.map(({ address }) => address));
  const others = [...named].filter(([address, id]) => !answered.has(id) && !asked.has(address));
  const second = await ask(others.map(([address]) => address));
  const findings = [...first, ...second].map((finding) => ({
    ...finding,
    node: finding.node ?? named.get(finding.address),
  }));
  return { findings: oncePerNode(findings), leader: newestLeader(findings) };
}

async function askNode(client: Client, address: string, timeoutMs: number): Promise<Finding> {
  try {
    const status = await client.status(address, { timeoutMs });
    return { address, status, error: undefined, node: status.node };
  } catch (thrown) {
    return { address, status: undefined, error: DleError.from(thrown), node: undefined };
  }
}

/** Ids of the members that the nodes name, by address. */
function namedMembers(findings: readonly Finding[]): ReadonlyMap<string, number> {
  const members = findings.flatMap(({ status }) => status?.members ?? []);
  return new Map(members.map(({ address, id }) => [address, id]));
}

/** One node may have been asked under two names. Sorted by id, those whose id nobody knows last. */
function oncePerNode(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  const byNode = (finding: Finding) => finding.node ?? Number.POSITIVE_INFINITY;
  return findings
    .filter(({ status }) => {
      if (status === undefined) return true;
      const isNew = !seen.has(status.instance);
      seen.add(status.instance);
      return isNew;
    })
    .sort((a, b) => (byNode(a) === byNode(b) ? 0 : byNode(a) - byNode(b)));
}

function newestLeader(findings: readonly Finding[]): number | undefined {
  const statuses = findings.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const newest = statuses.sort((a, b) => b.term - a.term);
  const term = newest[0]?.term;
  return newest.find((status) => status.term === term && status.leader !== undefined)?.leader;
}
