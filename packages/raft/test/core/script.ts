import { assert } from '@dle/common';
import type { Configuration, MembershipChange, NodeId, ReadLevel } from '../../src/core/types.js';
import {
  describeConfiguration,
  describeEntry,
  describeMessage,
  type TestNode,
} from '../../src/testing/index.js';
import { type Choice, type Preset, Stage } from './stage.js';

/**
 * A story as data. A file is comments (`# …`), commands (`> …`), and below each command what came
 * of it.
 *
 *     nodes 1 2 3 [of 1 2] [blank 4]   a cluster (whose voters are some of them; who knows nothing)
 *     option NAME NUMBER|true    before `nodes`
 *     log 2 TERMS [in T] [votes N]   before the rest: terms of its entries behind the first;
 *     `3=1,2`: a configuration; `3=2,3/1,2`: a joint one, `3=1,2+3`: one with a learner
 *     campaign 1                 propose 1 x y [size 50]            read 1 [lease | follower]
 *     transfer 1 [2]             asks node 1 to hand over
 *     resign 1                   tells node 1 to lead no more
 *     change 1 add 4 promote 5 demote 2 remove 3      asks node 1 for any of these, in one step
 *     deliver [1->2 | ->2] [N | last]    messages under way now, in order; also: drop, double
 *     stabilize                  deliver until nothing is under way
 *     hold flush 2               flush 2 [WRITE]                    release flush 2
 *     fail log 2                 the device takes no more writes; the node ends
 *     crash 2 [keep N]           restart 2                          pause 2, resume 2
 *     purge 1                    what is not needed any more
 *     install 2                  the snapshot on its way to node 2 arrives;  lose snapshot 2
 *     wipe 2                     loses its disk, but for term and vote, and starts again
 *     forget 2 INDEX             crashes, and finds its log without the entries from there on
 *     cut 1 2 | cut 1->2 | heal  advance MS (timers only)           run MS (timers and messages)
 *     log | status | transit     what there is
 *     quietly COMMAND            the same, saying nothing
 */
export function play(text: string): string {
  const player = new Player();
  const output: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('#') || line === '') output.push(line);
    if (!line.startsWith('> ')) continue;
    const shown = player.perform(line.slice(2));
    output.push(line, ...shown);
    if (shown.length > 0) output.push('');
  }
  return `${withoutDoubleGaps(output).join('\n').trimEnd()}\n`;
}

/** One blank line where there are several. */
function withoutDoubleGaps(lines: readonly string[]): readonly string[] {
  return lines.filter((line, at) => line !== '' || (lines[at - 1] ?? '') !== '');
}

class Player {
  readonly #options: Record<string, number | boolean> = {};
  #stage: Stage | undefined;

  perform(command: string): readonly string[] {
    const [verb, ...rest] = command.split(' ');
    if (verb === 'quietly') {
      this.perform(rest.join(' '));
      return [];
    }
    const shown = this.#do(verb!, rest);
    return [...(this.#stage?.takeLines() ?? []), ...shown];
  }

  get stage(): Stage {
    assert(this.#stage !== undefined, 'a story begins with its nodes');
    return this.#stage;
  }

  #do(verb: string, words: readonly string[]): readonly string[] {
    switch (verb) {
      case 'option':
        this.#options[words[0]!] = words[1] === 'true' || Number(words[1]);
        return [];
      case 'nodes': {
        const [known, blank = []] = split(words, 'blank');
        const [ids, voters] = split(known, 'of');
        this.#stage = new Stage(numbers(ids), this.#options, numbers(voters ?? ids));
        this.#stage.blank(numbers(blank));
        return [];
      }
      case 'log':
        if (words.length === 0) return this.#show(showLog);
        this.#preset(words);
        return [];
      case 'status':
        return this.#show(showStatus);
      case 'transit':
        return this.stage.inTransit.map(describeMessage);
      case 'hold':
        this.stage.holdFlush(Number(words[1]));
        return [];
      case 'release':
        this.stage.releaseFlush(Number(words[1]));
        return [];
      default:
        return this.#act(verb, words);
    }
  }

  #act(verb: string, words: readonly string[]): readonly string[] {
    const { stage } = this;
    const node = Number(words[0]);
    switch (verb) {
      case 'campaign':
        stage.campaign(node);
        return [];
      case 'propose': {
        const [values, size] = split(words.slice(1), 'size');
        stage.propose(node, values, Number(size?.[0] ?? 10));
        return [];
      }
      case 'transfer':
        stage.transfer(node, Number(words[1] ?? 0));
        return [];
      case 'resign':
        stage.resign(node);
        return [];
      case 'change':
        stage.changeMembers(node, change(words.slice(1)));
        return [];
      case 'read':
        stage.read(node, words[1] as ReadLevel | undefined);
        return [];
      case 'deliver':
        stage.deliver(choice(words));
        return [];
      case 'drop':
        return stage.drop(choice(words)).map((message) => `lost: ${describeMessage(message)}`);
      case 'double':
        stage.double(choice(words));
        return [];
      case 'stabilize':
        stage.stabilize();
        return [];
      case 'flush':
        stage.flush(node, words[1] === undefined ? undefined : Number(words[1]));
        return [];
      case 'crash':
        stage.crash(node, Number(words[2] ?? 0));
        return [];
      case 'fail':
        stage.failLog(Number(words[1]));
        return [];
      case 'purge':
        stage.purge(node);
        return [];
      case 'install':
        stage.install(node);
        return [];
      case 'lose':
        stage.loseSnapshot(Number(words[1]));
        return [];
      case 'wipe':
        stage.wipe(node);
        return [];
      case 'forget':
        stage.forget(node, Number(words[1]));
        return [];
      case 'restart':
        stage.restart(node);
        return [];
      case 'pause':
        stage.paused.add(node);
        return [];
      case 'resume':
        stage.paused.delete(node);
        return [];
      case 'cut':
        this.#cut(words);
        return [];
      case 'heal':
        stage.links.heal();
        return [];
      case 'advance':
        stage.advance(node);
        return [];
      case 'run':
        stage.run(node);
        return [];
      default:
        throw new Error(`there is no command ${verb}`);
    }
  }

  #preset(words: readonly string[]): void {
    const [before, votes] = split(words.slice(1), 'votes');
    const [terms, term] = split(before, 'in');
    const presets = terms.map((word): Preset => {
      const [entryTerm, members] = word.split('=');
      const preset = { term: Number(entryTerm) };
      return members === undefined ? preset : { ...preset, configuration: configuration(members) };
    });
    const inTerm = Number(term?.[0] ?? presets.at(-1)?.term ?? 1);
    this.stage.preset(Number(words[0]), presets, inTerm, Number(votes?.[0] ?? 0));
  }

  #cut(words: readonly string[]): void {
    const { from, to } = choice(words);
    if (from === undefined) this.stage.links.split([Number(words[0])], numbers(words.slice(1)));
    else this.stage.links.cut(from, to!);
  }

  #show(show: (node: TestNode) => readonly string[]): readonly string[] {
    const ids = [...this.stage.nodes.keys()];
    return ids.flatMap((id) => show(this.stage.node(id)));
  }
}

function showLog(node: TestNode): readonly string[] {
  const { entries, durable } = node.log;
  const described = entries.map((entry) => {
    const isDurable = durable.entries[entry.index - 1] === entry;
    return `${describeEntry(entry)}${isDurable ? '' : ' (not flushed)'}`;
  });
  return [`${node.id}: ${described.join(', ')}`];
}

function showStatus(node: TestNode): readonly string[] {
  if (!node.isUp) return [`${node.id}: down`];
  const status = node.core.status();
  const { role, term, vote, leader, commit, lastIndex, durableIndex, peers } = status;
  return [
    `${node.id}: ${role} in term ${term}, vote ${vote}, leader ${leader}, last ${lastIndex}, durable ${durableIndex}, commit ${commit}, ${describeConfiguration(status)}`,
    ...peers.map(
      (peer) =>
        `   ${peer.id}: ${peer.state}, match ${peer.match}, next ${peer.next}, ${peer.inflightAppends} in flight${peer.isParting ? ', parting' : ''}`,
    ),
  ];
}

/** `2,3/1,2+4`: voters, outgoing, learners. */
function configuration(text: string): Configuration {
  const [, voters = '', outgoing, learners] = /^([\d,]+)(?:\/([\d,]+))?(?:\+([\d,]+))?$/.exec(
    text,
  )!;
  return {
    voters: numbers(voters.split(',')),
    ...(outgoing !== undefined && { outgoing: numbers(outgoing.split(',')) }),
    ...(learners !== undefined && { learners: numbers(learners.split(',')) }),
  };
}

/** `add 4 promote 5 6`: verbs, and whom they are about. */
function change(words: readonly string[]): MembershipChange {
  const lists: Record<string, NodeId[]> = {};
  let verb = '';
  for (const word of words) {
    if (/^\d+$/.test(word)) lists[verb]!.push(Number(word));
    else {
      verb = word;
      lists[verb] = [];
    }
  }
  return lists;
}

function choice(words: readonly string[]): Choice {
  const link = words.find((word) => word.includes('->'));
  const [from, to] = link?.split('->') ?? [];
  const count = words.find((word) => word !== link);
  return {
    ...(from ? { from: Number(from) } : {}),
    ...(to ? { to: Number(to) } : {}),
    ...(count === undefined ? {} : { count: count === 'last' ? 'last' : Number(count) }),
  };
}

function split(words: readonly string[], at: string): [readonly string[], (readonly string[])?] {
  const position = words.indexOf(at);
  if (position < 0) return [words];
  return [words.slice(0, position), words.slice(position + 1)];
}

function numbers(words: readonly string[]): readonly NodeId[] {
  return words.map(Number);
}
