import { setFlagsFromString } from 'node:v8';
import { DleError } from '@dle/common';
import { pino } from 'pino';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { createNode } from './node.js';
import { parseSize } from './size.js';
import { VERSION } from './version.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * By how much the heap may grow, in per cent, before the collector looks through all of it. What a
 * node keeps of the log in memory is to V8 so much that comes and goes, and by its own choice (some
 * 50) it looked through everything every thirty thousand puts: a twelfth of what they cost. This
 * costs some 20 MB of memory (measured, writing at full speed).
 */
const HEAP_GROWING_PERCENT = 300;

setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);

const parser = yargs(hideBin(process.argv))
  .scriptName('dle-server')
  .usage('$0 [options]\n\nRuns one node of a dle cluster.')
  .options({
    id: { type: 'number', default: 1, describe: 'id of this node, unique in its cluster' },
    host: { type: 'string', default: '127.0.0.1', describe: 'address to listen on' },
    port: { type: 'number', default: 9001, describe: 'port for members and clients' },
    advertise: {
      type: 'string',
      describe: 'host:port under which others reach this node (default: host and port)',
    },
    peers: {
      type: 'string',
      default: '',
      describe: 'the other members: host:port or id@host:port, separated by commas',
    },
    join: {
      type: 'boolean',
      default: false,
      describe: "form no cluster: wait to be added to one by 'dle member add'",
    },
    'data-dir': {
      type: 'string',
      default: './data',
      describe: 'the node keeps its data in <data-dir>/node-<id>',
    },
    'segment-size': { type: 'string', default: '64MB', describe: 'size of a segment file' },
    'log-retention-bytes': {
      type: 'string',
      default: '256MB',
      describe: 'log kept for members that were away; who lacks more gets a snapshot',
    },
    'snapshot-bytes-per-second': {
      type: 'string',
      default: '64MB',
      describe: 'how fast this node sends snapshots, to all members together',
    },
    'log-level': {
      choices: ['debug', 'info', 'warn', 'error'] as const,
      default: 'info' as const,
      describe: 'how much to log, as JSON lines on standard output',
    },
  })
  .example('$0 --id 1 --port 9001 --peers "localhost:9002,localhost:9003"', 'one node of three')
  .example('$0 --id 4 --port 9004 --join', "a node for 'dle member add 4 127.0.0.1:9004'")
  .strict()
  .version(VERSION)
  .wrap(100)
  .fail((message, error) => fail(EXIT_USAGE, message ?? error?.message ?? 'bad arguments'));

const flags = await parser.parseAsync();
if (flags._.length > 0) fail(EXIT_USAGE, `unexpected argument: ${String(flags._[0])}`);

const logger = pino(
  { level: flags['log-level'], base: { node: flags.id } },
  pino.destination({ sync: true }),
);

// Until it listens, a node that only waits, as for the others to spare it, keeps no process alive.
const starting = setInterval(() => {}, 60_000);

try {
  const node = await createNode(
    {
      id: flags.id,
      host: flags.host,
      port: flags.port,
      advertise: flags.advertise,
      join: flags.join,
      peers: flags.peers.split(',').filter((peer) => peer.trim() !== ''),
      dataDir: flags['data-dir'],
      segmentSize: parseSize(flags['segment-size']),
      logRetentionBytes: parseSize(flags['log-retention-bytes']),
      snapshotBytesPerSecond: parseSize(flags['snapshot-bytes-per-second']),
    },
    { logger },
  );
  clearInterval(starting);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      logger.info({ signal }, 'stopping');
      void node.close();
    });
  }
  await node.closed;
  logger.info({}, 'stopped');
} catch (thrown) {
  const error = DleError.from(thrown);
  const usage = error.code === 'DLE_INVALID_ARGUMENT';
  logger.error({ code: error.code, cause: causeOf(error) }, error.message);
  fail(usage ? EXIT_USAGE : EXIT_FAILED, `${error.code}: ${error.message}`);
}

function causeOf(error: DleError): string | undefined {
  return error.cause instanceof Error ? error.cause.message : undefined;
}

function fail(exitCode: number, message: string): never {
  process.stderr.write(`dle-server: ${message}\n`);
  if (exitCode === EXIT_USAGE) process.stderr.write("'dle-server --help' lists the options\n");
  process.exit(exitCode);
}
