import { counterExample } from './counter-example.js';
import { describeHistory } from './describe-history.js';
import { groupByKey, type History, type Operation } from './history.js';
import { checkKey } from './linearizable.js';
import { nameOfPayload } from './payload.js';

/** A cluster that has gone wrong altogether is shown by a few examples. */
const MOST_PROOFS = 5;

type Contents = ReadonlyMap<string, Uint8Array>;

/**
 * What is wrong with a history, and with what the nodes hold at its end; nothing, if all is well.
 */
export function audit(history: History, contents: ReadonlyMap<number, Contents>): string[] {
  return [
    ...orderProblems(history.operations),
    ...equalityProblems(contents),
    ...linearizabilityProblems(history, lastReads(history, contents)),
  ];
}

function linearizabilityProblems(history: History, lastReads: readonly Operation[]): string[] {
  const problems: string[] = [];
  for (const [key, operations] of groupByKey([...history.operations, ...lastReads])) {
    if (problems.length === MOST_PROOFS) return [...problems, 'and maybe more'];
    const verdict = checkKey(operations);
    if (verdict.kind === 'linearizable') continue;
    const { operation } = verdict;
    if (verdict.kind === 'undecided') {
      problems.push(`key ${key}: too many possibilities to decide`);
    } else {
      const proof = describeHistory(counterExample(operations, operation));
      const source = sourceOf(history, operation);
      problems.push(`key ${key}: no order explains these operations:\n${proof}${source}`);
    }
  }
  return problems;
}

/** Where a value comes from that should not be there. */
function sourceOf(history: History, { kind, value }: Operation): string {
  if (kind !== 'get' || value === undefined) return '';
  const put = history.operations.find((other) => other.kind === 'put' && other.value === value);
  return put === undefined
    ? `\n  nobody has written ${value}`
    : `\n  it was written to key ${put.key} by:\n${describeHistory([put])}`;
}

/** A write that began after another one was acknowledged must stand behind it in the log. */
function orderProblems(operations: readonly Operation[]): string[] {
  const writes = operations.filter(({ index }) => index !== undefined);
  const byEnd = [...writes].sort((a, b) => a.ended - b.ended);
  const byBegin = [...writes].sort((a, b) => a.began - b.began);
  const byIndex = new Map<number, Operation>();
  const problems: string[] = [];
  let highest: Operation | undefined;
  let acknowledged = 0;
  for (const write of byBegin) {
    for (; byEnd[acknowledged]!.ended < write.began; acknowledged++) {
      const ended = byEnd[acknowledged]!;
      if (ended.index! > (highest?.index ?? 0)) highest = ended;
    }
    if (highest !== undefined && write.index! <= highest.index!) {
      const where = `at ${highest.index}, then at ${write.index} of the log`;
      problems.push(`one write after the other, ${where}:\n${describeHistory([highest, write])}`);
    }
    const twin = byIndex.get(write.index!);
    if (twin !== undefined) {
      problems.push(`two writes at ${write.index} of the log:\n${describeHistory([twin, write])}`);
    }
    byIndex.set(write.index!, write);
  }
  return problems.slice(0, MOST_PROOFS);
}

function equalityProblems(contents: ReadonlyMap<number, Contents>): string[] {
  const [reference, ...others] = contents;
  if (reference === undefined) return [];
  const [first, expected] = reference;
  return others.flatMap(([node, held]) => {
    const keys = new Set([...expected.keys(), ...held.keys()]);
    const different = [...keys].filter((key) => !same(expected.get(key), held.get(key)));
    if (different.length === 0) return [];
    const some = different.slice(0, 10).map((key) => {
      return `${key} (${name(expected.get(key))} and ${name(held.get(key))})`;
    });
    return [`nodes ${first} and ${node} differ in ${different.length} keys: ${some.join(', ')}`];
  });
}

/** What each node holds of each key, as if somebody had read it when all was over. */
function lastReads(history: History, contents: ReadonlyMap<number, Contents>): Operation[] {
  const times = history.operations.flatMap(({ began, ended }) => [began, ended]);
  const began = times.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0) + 1;
  const keys = new Set([...history.operations.map(({ key }) => key), ...keysOf(contents)]);
  return [...contents].flatMap(([node, held]) =>
    Array.from(keys, (key): Operation => {
      const value = held.get(key);
      const found = value && nameOfPayload(value);
      const client = `what node ${node} holds`;
      return { client, key, kind: 'get', outcome: 'ok', began, ended: began + 1, value: found };
    }),
  );
}

function keysOf(contents: ReadonlyMap<number, Contents>): string[] {
  return [...contents.values()].flatMap((held) => [...held.keys()]);
}

function same(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.compare(one, other) === 0;
}

function name(value: Uint8Array | undefined): string {
  return value === undefined ? 'nothing' : nameOfPayload(value);
}
