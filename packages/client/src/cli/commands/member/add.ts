import type { CommandModule } from 'yargs';
import { type ClusterArguments, withClient } from '../../cluster-options.js';
import {
  type ChangeArguments,
  parseMemberAddress,
  parseMemberId,
  report,
  withJson,
} from './member-id.js';

interface AddArguments extends ChangeArguments {
  readonly id: string;
  readonly address: string;
}

export const addCommand: CommandModule<ClusterArguments, AddArguments> = {
  command: 'add <id> <address>',
  describe: 'Add a new, empty node as a learner: it gets the log and does not vote',
  builder: (yargs) =>
    withJson(
      yargs
        .positional('id', {
          describe: 'Its --id, which no member has or ever had',
          type: 'string',
          demandOption: true,
        })
        .positional('address', {
          describe: 'host:port where it listens; start it there first, with --join',
          type: 'string',
          demandOption: true,
        }),
      '{"index":…}',
    ).example([
      ['dle-server --id 4 --port 9004 --join', 'start it'],
      ['$0 member add 4 127.0.0.1:9004', 'add it: safe at any time, it decides nothing yet'],
      ['$0 member promote 4', 'let it vote, once it has caught up'],
    ]),
  async handler(options) {
    const { json } = options;
    const id = parseMemberId(options.id);
    const address = parseMemberAddress(options.address);
    const result = await withClient(options, (client) => client.addMember(id, address));
    const next = `let it vote with "dle member promote ${id}"`;
    report(json, result, `node ${id} is a learner, as of index ${result.index}; ${next}`);
  },
};
