import { writeFileSync } from 'node:fs';
import { measureCluster } from './cluster.js';
import { type Command, parseCommandLine, UsageError } from './command-line.js';
import { withDataDirectory } from './data-directory.js';
import { measureFounding } from './founding.js';
import { Interrupted, interruptible } from './interruption.js';
import { renderJson, renderReport } from './report.js';
import { measureStorage } from './storage/measure-storage.js';
import { renderStorageJson, renderStorageReport } from './storage/storage-report.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** As a shell reports a command that Ctrl-C has ended. */
const EXIT_INTERRUPTED = 130;

/** Runs the benchmark that `words` spell, and prints its report. Returns the exit code. */
export async function run(words: readonly string[]): Promise<number> {
  try {
    const command = await parseCommandLine(words);
    if (command === undefined) return 0;
    const report = await interruptible((signal) => measure(command, signal));
    progress('');
    process.stdout.write(report.text);
    if (command.jsonFile !== undefined) writeFileSync(command.jsonFile, report.json);
    return 0;
  } catch (thrown) {
    progress('');
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    process.stderr.write(`bench: ${message}\n`);
    if (thrown instanceof Interrupted) return EXIT_INTERRUPTED;
    if (!(thrown instanceof UsageError)) return EXIT_FAILED;
    process.stderr.write("'bench --help' lists the options\n");
    return EXIT_USAGE;
  }
}

/** A report for people, and one for programs. */
interface Rendered {
  readonly text: string;
  readonly json: string;
}

function measure(command: Command, signal: AbortSignal): Promise<Rendered> {
  const components = { signal, progress };
  return withDataDirectory(command.dataDirectory, async (directory) => {
    if (command.bench === 'storage') {
      const report = await measureStorage(components, { ...command, directory });
      return { text: renderStorageReport(report), json: renderStorageJson(report) };
    }
    const start = command.bench === 'cluster' ? measureCluster : measureFounding;
    const { operations } = command;
    const report = await start(components, { operations, directory });
    return { text: renderReport(report), json: renderJson(report) };
  });
}

/** One line that the next overwrites, for a person who waits; nothing in a file or a pipe. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what}`);
}
