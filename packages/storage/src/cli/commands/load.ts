import { DleError } from '@dle/common';
import { type Input, jsonl, LineSplitter, openInput, type Pair } from '@dle/common/internal';
import type { CommandModule } from 'yargs';
import type { LogStore } from '../../store/log-store.js';
import type { CommonArguments, Context } from '../context.js';
import { report } from '../output.js';
import type { Progress } from '../progress.js';

interface LoadArguments extends CommonArguments {
  readonly file: string;
}

/** Records, and bytes of them, put at a time. */
const BATCH_RECORDS = 1_000;
const BATCH_BYTES = 4_000_000;

export function loadCommand(context: Context): CommandModule<CommonArguments, LoadArguments> {
  return {
    command: 'load <file>',
    describe: 'Store what dump has printed; - reads it from standard input',
    builder: (yargs) =>
      yargs.positional('file', { describe: 'File, or -', type: 'string', demandOption: true }),
    async handler(args) {
      const input = await openInput(args.file, context.signal);
      await context.making(async (store) => {
        const records = await context.showing('load', args, (progress) =>
          load(store, input, { ...args, progress, signal: context.signal }),
        );
        await report(args, { records }, `${records} records stored`);
      });
    },
  };
}

/** Stores the records; of a file that is cut off, or holds what is none, those before. */
async function load(
  store: LogStore,
  { chunks }: Input,
  {
    file,
    progress,
    signal,
  }: { readonly file: string; readonly progress: Progress; readonly signal: AbortSignal },
): Promise<number> {
  const loader = new Loader(store, progress);
  const splitter = new LineSplitter();
  try {
    for await (const chunk of chunks) {
      for (const line of splitter.push(chunk)) await loader.add(line);
    }
    for (const line of splitter.end()) await loader.add(line);
    return await loader.flush();
  } catch (thrown) {
    const reason = signal.aborted ? signal.reason : thrown;
    const stored = await loader.flush();
    const { code, message } = DleError.from(reason, 'DLE_IO');
    throw new DleError(code, `${file}: ${message}; ${stored} records before are stored`, {
      cause: thrown,
    });
  }
}

class Loader {
  readonly #store: LogStore;
  readonly #progress: Progress;
  #line = 0;
  #batch: Pair[] = [];
  #bytes = 0;
  #stored = 0;

  constructor(store: LogStore, progress: Progress) {
    this.#store = store;
    this.#progress = progress;
  }

  async add(line: Uint8Array): Promise<void> {
    this.#line++;
    if (line.length === 0) return;
    const pair = this.#parse(line);
    this.#batch.push(pair);
    this.#bytes += pair.key.length + pair.value.length;
    if (this.#batch.length >= BATCH_RECORDS || this.#bytes >= BATCH_BYTES) await this.flush();
  }

  /** How many are stored then. */
  async flush(): Promise<number> {
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    await this.#store.batch(batch.map((pair) => ({ type: 'put', ...pair })));
    this.#stored += batch.length;
    this.#progress.show(`${this.#stored} records`);
    return this.#stored;
  }

  #parse(line: Uint8Array): Pair {
    try {
      return jsonl.parseLine(line);
    } catch (cause) {
      const { code, message } = DleError.from(cause);
      throw new DleError(code, `line ${this.#line}: ${message}`, { cause });
    }
  }
}
