import { UsageError } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import { type ClusterArguments, withClient } from '../../cluster-options.js';
import {
  CATCH_UP_TIMEOUT_MS,
  type ChangeArguments,
  parseMemberAddress,
  parseMemberId,
  report,
  withJson,
} from './member-id.js';

interface ReplaceArguments extends ChangeArguments {
  readonly old: string;
  readonly new: string;
}

export const replaceCommand: CommandModule<ClusterArguments, ReplaceArguments> = {
  command: 'replace <old> <new>',
  describe: 'Give the place of a member, lost or not, to a new, empty node',
  builder: (yargs) =>
    withJson(
      yargs
        .positional('old', { describe: 'Id of the member', type: 'string', demandOption: true })
        .positional('new', {
          describe: 'id@host:port of the new node; start it there first, with --join',
          type: 'string',
          demandOption: true,
        })
        .epilogue(
          'The new node is added as a learner; when it has caught up, it votes and the old one is\n' +
            'removed, in one step: there is never a voter more or less. Waits a minute unless\n' +
            '--timeout; given again, it goes on where it was. This is how to mend a wiped disk: start\n' +
            'the node empty, under a new id.',
        ),
      '{"index":…}',
    ).example([
      ['dle-server --id 4 --port 9004 --join', 'start the new node'],
      ['$0 member replace 2 4@127.0.0.1:9004', 'node 4 for node 2'],
    ]),
  async handler(options) {
    const { json, timeout = CATCH_UP_TIMEOUT_MS } = options;
    const old = parseMemberId(options.old);
    const { id, address } = parseNewMember(options.new);
    const result = await withClient({ ...options, timeout }, (client) =>
      client.replaceMember(old, id, address),
    );
    const sentence = `node ${id} has the place of node ${old}, as of index ${result.index}`;
    report(json, result, sentence);
  },
};

function parseNewMember(text: string): { id: number; address: string } {
  const [id, address] = text.split('@');
  if (id === undefined || address === undefined) {
    throw new UsageError(`not a new member of the form id@host:port: "${text}"`);
  }
  return { id: parseMemberId(id), address: parseMemberAddress(address) };
}
