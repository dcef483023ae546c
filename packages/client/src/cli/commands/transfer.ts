import type { CommandModule } from 'yargs';
import { type ClusterArguments, withClient } from '../cluster-options.js';
import { parseMemberId, report, withJson } from './member/member-id.js';

interface TransferArguments extends ClusterArguments {
  readonly id: string | undefined;
  readonly json: boolean;
}

export const transferCommand: CommandModule<ClusterArguments, TransferArguments> = {
  command: 'transfer [id]',
  describe: 'Let another voter lead, before its leader is stopped for instance',
  builder: (yargs) =>
    withJson(
      yargs
        .positional('id', {
          describe: 'Who is to lead; else the one that holds most',
          type: 'string',
        })
        .epilogue(
          'Safe at any time: writes wait for some milliseconds. Where the other node does not take\n' +
            'over in time, the leader leads on, and the command fails.',
        ),
      '{"node":…}, the new leader',
    ).example([
      ['$0 transfer', ''],
      ['$0 transfer 2', ''],
    ]),
  async handler(options) {
    const { id, json } = options;
    const target = id === undefined ? undefined : parseMemberId(id);
    const result = await withClient(options, (client) => client.transferLeadership(target));
    report(json, result, `node ${result.node} leads`);
  },
};
