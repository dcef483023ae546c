import { UsageError } from '@dle/common/internal';
import { parseAddress } from '@dle/net';
import type { Argv } from 'yargs';
import { Client } from '../client.js';
import { parseDuration } from './duration.js';

const DEFAULT_ENDPOINTS = '127.0.0.1:9001,127.0.0.1:9002,127.0.0.1:9003';

const ENDPOINTS = {
  describe: 'Nodes of the cluster, as host:port,host:port,…; also from DLE_ENDPOINTS',
  type: 'string',
  requiresArg: true,
  default: process.env.DLE_ENDPOINTS || DEFAULT_ENDPOINTS,
  coerce: parseEndpoints,
} as const;

const TIMEOUT = {
  describe: 'How long to try: 500ms, 10s, 2m  [default: 10s; status 2s; load 60s without progress]',
  type: 'string',
  requiresArg: true,
  coerce: parseDuration,
} as const;

/** The options that every command has. */
export interface ClusterArguments {
  readonly endpoints: readonly string[];
  /** Milliseconds. */
  readonly timeout: number | undefined;
}

function parseEndpoints(text: string): readonly string[] {
  return text.split(',').map((endpoint) => {
    try {
      parseAddress(endpoint.trim());
    } catch {
      throw new UsageError(`not an endpoint of the form host:port: "${endpoint}"`);
    }
    return endpoint.trim();
  });
}

export function withClusterOptions(yargs: Argv): Argv<ClusterArguments> {
  return yargs.options({ endpoints: ENDPOINTS, timeout: TIMEOUT });
}

/** Runs `use` with a client of the cluster that `options` name, and closes it. */
export async function withClient<Result>(
  { endpoints, timeout }: ClusterArguments,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const limit = timeout === undefined ? {} : { requestTimeoutMs: timeout };
  const client = new Client({}, { endpoints, ...limit });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
