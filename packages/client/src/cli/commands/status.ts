import { DleError } from '@dle/common';
import { EXIT_FAILED } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
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
    else process.stdout.write(statusTable(survey.findings));
    if (!options.json) nameUnreachable(survey.findings);
    if (survey.leader === undefined) {
      process.stderr.write('dle: DLE_UNAVAILABLE: the cluster has no leader\n');
      process.exitCode = EXIT_FAILED;
    }
  },
};

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
