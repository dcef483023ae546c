import { UsageError } from '@dle/common/internal';
import { parseAddress } from '@dle/net';
import type { Argv } from 'yargs';
import { MAX_NODE_ID } from '../../../protocol/index.js';
import type { ClusterArguments } from '../../cluster-options.js';

/** What every command has that changes the members. */
export interface ChangeArguments extends ClusterArguments {
  readonly json: boolean;
}

/** Catching up may take its time; a change of members takes none. */
export const CATCH_UP_TIMEOUT_MS = 60_000;

/** @throws UsageError */
export function parseMemberId(text: string): number {
  const id = Number(text);
  if (/^\d+$/.test(text) && id >= 1 && id <= MAX_NODE_ID) return id;
  throw new UsageError(`not the id of a node: "${text}" (a whole number from 1 to ${MAX_NODE_ID})`);
}

/** @throws UsageError */
export function parseMemberAddress(text: string): string {
  try {
    parseAddress(text);
    return text;
  } catch {
    throw new UsageError(`not an address of the form host:port: "${text}"`);
  }
}

export function withJson<T>(yargs: Argv<T>, what: string): Argv<T & { json: boolean }> {
  return yargs.option('json', { describe: `Print ${what}`, type: 'boolean', default: false });
}

/** Says what has been done, in words or as JSON. */
export function report(json: boolean, result: object, sentence: string): void {
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${sentence}\n`);
}
