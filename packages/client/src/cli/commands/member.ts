import type { CommandModule } from 'yargs';
import type { ClusterArguments } from '../cluster-options.js';
import { addCommand } from './member/add.js';
import { listCommand } from './member/list.js';
import { promoteCommand } from './member/promote.js';
import { removeCommand } from './member/remove.js';
import { replaceCommand } from './member/replace.js';

export const memberCommand: CommandModule<ClusterArguments, ClusterArguments> = {
  command: 'member <command>',
  describe: 'Show and change the members of the cluster',
  builder: (yargs) =>
    yargs
      .command(listCommand)
      .command(addCommand)
      .command(promoteCommand)
      .command(removeCommand)
      .command(replaceCommand)
      .demandCommand(1, 1, 'a command is needed', 'one command at a time')
      .epilogue(
        'One change at a time. A change after which too few voters would be up and up to date to go\n' +
          'on is refused, with the reason. A change of unknown outcome can be given again: what is\n' +
          'done already is found to be done. Any node takes these commands.',
      ),
  handler: () => {},
};
