import { DleError } from '@dle/common';
import type { CommandModule } from 'yargs';
import type { NodeStatus } from '../../../protocol/index.js';
import { type ClusterArguments, withClient } from '../../cluster-options.js';
import { surveyCluster } from '../../status/survey.js';
import { table } from '../../status/table.js';
import { withJson } from './member-id.js';

interface ListArguments extends ClusterArguments {
  readonly json: boolean;
}

/** A node that is up answers within milliseconds. */
const DEFAULT_TIMEOUT_MS = 2_000;

export const listCommand: CommandModule<ClusterArguments, ListArguments> = {
  command: 'list',
  describe: 'Show the members as the leader sees them: who votes, who learns, who lags',
  builder: (yargs) => withJson(yargs, 'leader and members as JSON'),
  async handler(options) {
    const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
    const { findings, leader } = await withClient(options, (client) =>
      surveyCluster(client, options.endpoints, timeoutMs),
    );
    const source = findings.find(({ node, status }) => status && node === leader)?.status;
    if (source === undefined) {
      throw new DleError('DLE_UNAVAILABLE', 'the cluster has no leader that answers');
    }
    const { members, node } = source;
    if (options.json) process.stdout.write(`${JSON.stringify({ leader: node, members })}\n`);
    else process.stdout.write(table(['id', 'address', 'member', 'lag', 'reachable'], rows(source)));
  },
};

function rows({ members, node }: NodeStatus): string[][] {
  return members.map(({ id, address, kind, lag, reachable }) => {
    const standing = id === node ? `${kind ?? '-'}, leads` : (kind ?? '-');
    return [`${id}`, address, standing, `${lag ?? '-'}`, reachable === false ? 'no' : 'yes'];
  });
}
