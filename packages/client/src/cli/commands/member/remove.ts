import type { CommandModule } from 'yargs';
import { type ClusterArguments, withClient } from '../../cluster-options.js';
import { type ChangeArguments, parseMemberId, report, withJson } from './member-id.js';

interface RemoveArguments extends ChangeArguments {
  readonly id: string;
}

export const removeCommand: CommandModule<ClusterArguments, RemoveArguments> = {
  command: 'remove <id>',
  describe: 'Remove a member for good; the leader hands over first',
  builder: (yargs) =>
    withJson(
      yargs
        .positional('id', { describe: 'Of the member', type: 'string', demandOption: true })
        .epilogue(
          'Refused where too few of the voters that are left are up and up to date. A removed node\n' +
            'says so in its status and takes no part any more: stop it. Its id is not given again. To\n' +
            'put another node in its place, "member replace" is safer than to remove and to add.',
        ),
      '{"index":…}',
    ).example('$0 member remove 4', ''),
  async handler(options) {
    const { json } = options;
    const id = parseMemberId(options.id);
    const result = await withClient(options, (client) => client.removeMember(id));
    report(json, result, `node ${id} is removed, as of index ${result.index}; stop it now`);
  },
};
