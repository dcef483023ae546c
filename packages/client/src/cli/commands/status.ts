import { DleError } from '@dle/common';
import { EXIT_FAILED } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import type { NodeStatus } from '../../protocol/index.js';
import { type ClusterArguments, withClient } from '../cluster-options.js';
import { type Finding, type Survey, surveyCluster } from '../status/survey.js';
import { statusTable } from '../status/table.js';

interface StatusArguments extends ClusterArguments {
  readonly json: boolean;
}

/** A node that is up answers within milliseconds. */
const DEFAULT_TIMEOUT_MS = 2_000;

export const statusCommand: CommandModule<ClusterArguments, StatusArguments> = {
  command: 'status',
  describe: 'Show the nodes of the cluster and who leads; fails if nobody does',
  builder: (yargs) =>
    yargs
      .option('json', {
        describe: 'Print all that the nodes say',
        type: 'boolean',
        default: false,
      })
      .example('$0 status --endpoints 127.0.0.1:9001', 'one node names the others'),
  async handler(options) {
    const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
    const survey = await withClient(options, (client) =>
      surveyCluster(client, options.endpoints, timeoutMs),
    );
    if (options.json) process.stdout.write(`${JSON.stringify(report(survey), undefined, 2)}\n`);
    else {
      process.stdout.write(statusTable(survey.findings, survey.leader));
      process.stdout.write(changesUnderWay(survey));
      nameUnreachable(survey.findings);
    }
    if (survey.leader === undefined) {
      process.stderr.write('dle: DLE_UNAVAILABLE: the cluster has no leader\n');
      process.exitCode = EXIT_FAILED;
    }
  },
};

/** What the leader is about, and what nodes wait for that take no part: a line each. */
function changesUnderWay({ findings, leader }: Survey): string {
  const statuses = findings.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const { members = [], transferringTo } = statuses.find(({ node }) => node === leader) ?? {};
  const idsOf = (...kinds: readonly unknown[]) =>
    members.flatMap(({ id, kind }) => (kinds.includes(kind) ? [id] : [])).join(' ');
  const isJoint = idsOf('joining', 'leaving') !== '';
  const lines = [
    isJoint &&
      `the voters are changing from ${idsOf('voter', 'leaving')} to ${idsOf('voter', 'joining')}`,
    transferringTo !== undefined && `leadership is being handed over to node ${transferringTo}`,
    ...statuses.map(({ node, reason }) => reason !== undefined && `node ${node}: ${reason}`),
    ...statuses.flatMap(snapshotsUnderWay),
    ...statuses.flatMap(repairs),
  ];
  return lines.flatMap((line) => (line === false ? [] : [`${line}\n`])).join('');
}

/** A snapshot is told of by whoever sends it. */
function snapshotsUnderWay({ node, snapshots }: NodeStatus): string[] {
  return snapshots.sending.map(({ peer, index, doneBytes, totalBytes }) => {
    const part = Math.min(100, Math.floor((100 * doneBytes) / Math.max(1, totalBytes)));
    return `node ${node} brings node ${peer} the snapshot of entry ${index}: ${part} %`;
  });
}

function repairs({ node, repair, applied, commit }: NodeStatus): string[] {
  const { damage, obstacle = 'it is about to be repaired', repairing } = repair;
  if (!repairing) {
    return damage === undefined ? [] : [`node ${node} is damaged: ${damage}; ${obstacle}`];
  }
  const why = damage === undefined ? 'it had lost the end of its log' : damage;
  return [`node ${node} repairs its data (${why}): it has applied ${applied} of ${commit} entries`];
}

function nameUnreachable(findings: readonly Finding[]): void {
  for (const { address, error } of findings) {
    if (error === undefined) continue;
    const { code, message } = DleError.from(error.cause ?? error);
    process.stderr.write(`dle: ${address} is unreachable (${code}: ${message})\n`);
  }
}

function report({ findings, leader }: Survey): object {
  const nodes = findings.map(({ address, node, status, error }: Finding) => ({
    address,
    node,
    status,
    error: error && { code: error.code, message: error.message },
  }));
  return { leader, nodes };
}
