import type { CommandModule } from 'yargs';
import { type ClusterArguments, withClient } from '../../cluster-options.js';
import {
  CATCH_UP_TIMEOUT_MS,
  type ChangeArguments,
  parseMemberId,
  report,
  withJson,
} from './member-id.js';

interface PromoteArguments extends ChangeArguments {
  readonly id: string;
}

export const promoteCommand: CommandModule<ClusterArguments, PromoteArguments> = {
  command: 'promote <id>',
  describe: 'Let a learner vote; waits until it has caught up, a minute unless --timeout',
  builder: (yargs) =>
    withJson(
      yargs
        .positional('id', { describe: 'Of the learner', type: 'string', demandOption: true })
        .epilogue(
          'Three voters stand the loss of one, five that of two. An even number stands no more than\n' +
            'the odd one below it: add voters in pairs.',
        ),
      '{"index":…}',
    ).example('$0 member promote 4 --timeout 10m', 'wait longer'),
  async handler(options) {
    const { json, timeout = CATCH_UP_TIMEOUT_MS } = options;
    const id = parseMemberId(options.id);
    const result = await withClient({ ...options, timeout }, (client) => client.promoteMember(id));
    report(json, result, `node ${id} votes, as of index ${result.index}`);
  },
};
