import { EXIT_FAILED, openInput, UsageError } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import { type ClusterArguments, withClient } from '../cluster-options.js';
import { describeFailure } from '../failure.js';
import { chooseFormat, FORMAT_NAMES, type FormatName } from '../formats/choose-format.js';
import { type Interruption, interruptible } from '../interruption.js';
import { loadFile } from '../load/load-file.js';
import { Loader } from '../load/loader.js';
import { describeProgress, showProgress } from '../load/progress.js';

interface LoadArguments extends ClusterArguments {
  readonly file: string;
  readonly format: FormatName | undefined;
  readonly concurrency: string;
  readonly quiet: boolean;
  readonly json: boolean;
}

const DEFAULT_CONCURRENCY = 256;
const MAX_CONCURRENCY = 4_096;

/** Long enough for a cluster that is restarted. */
const DEFAULT_STALL_TIMEOUT_MS = 60_000;

export const loadCommand: CommandModule<ClusterArguments, LoadArguments> = {
  command: 'load <file>',
  describe: 'Store all records of a file (- for standard input)',
  builder: (yargs) =>
    yargs
      .positional('file', { describe: 'TSV or JSON lines', type: 'string', demandOption: true })
      .option('format', {
        describe: 'What is in it; else the file is named after it (.tsv, .jsonl, .ndjson)',
        choices: FORMAT_NAMES,
        requiresArg: true,
      })
      .option('concurrency', {
        describe: `Most puts under way at once, 1 to ${MAX_CONCURRENCY}`,
        type: 'string',
        requiresArg: true,
        default: String(DEFAULT_CONCURRENCY),
      })
      .option('quiet', { describe: 'Show no progress', type: 'boolean', default: false })
      .option('json', {
        describe: 'Print {"stored":…,"unsure":…,"storedBeforeLine":…}',
        type: 'boolean',
        default: false,
      })
      .example([
        ['$0 load cities.tsv', ''],
        ['zcat names.jsonl.gz | $0 load - --format jsonl', ''],
      ]),
  handler: (options) => interruptible((interruption) => load(options, interruption)),
};

async function load(options: LoadArguments, interruption: Interruption): Promise<void> {
  const { file, json, quiet } = options;
  const { asked } = interruption;
  const format = chooseFormat(options.format, file);
  const concurrency = parseConcurrency(options.concurrency);
  const stallTimeoutMs = options.timeout ?? DEFAULT_STALL_TIMEOUT_MS;
  const input = await openInput(file, asked);
  const position = { lines: 0, bytes: 0 };
  const startedAt = performance.now();
  await withClient(options, async (client) => {
    const loader = new Loader(client, { concurrency, stallTimeoutMs, ...interruption });
    const snapshot = () => ({
      records: loader.stored,
      bytes: position.bytes,
      totalBytes: input.totalBytes,
    });
    const hideProgress = quiet ? () => {} : showProgress(snapshot);
    const failure = await loadFile(input, format, loader, position).then(
      () => undefined,
      (error: unknown) => ({ error: asked.aborted ? asked.reason : error }),
    );
    hideProgress();
    if (json) process.stdout.write(`${JSON.stringify(report(loader))}\n`);
    if (failure !== undefined) {
      process.stderr.write(`dle: ${describeFailure(failure.error)}; ${describeStored(loader)}\n`);
      process.exitCode = EXIT_FAILED;
    } else if (!json) {
      const total = { ...snapshot(), totalBytes: undefined };
      const [records, ...rest] = describeProgress(total, performance.now() - startedAt).split(', ');
      process.stdout.write(`${records} stored (${rest.join(', ')})\n`);
    }
  });
}

function report({ stored, unsure, storedBeforeLine }: Loader): object {
  return { stored, unsure, storedBeforeLine };
}

/** What a stopped load leaves: exact, because nothing is under way any more. */
function describeStored({ stored, unsure, storedBeforeLine }: Loader): string {
  const perhaps = unsure === 0 ? '' : `, and perhaps ${unsure} more`;
  return `${stored} records are stored${perhaps}, all those before line ${storedBeforeLine} among them`;
}

function parseConcurrency(text: string): number {
  const concurrency = Number(text);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY) {
    throw new UsageError(`--concurrency must be a whole number, 1 to ${MAX_CONCURRENCY}`);
  }
  return concurrency;
}
