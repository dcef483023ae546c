/** A copy of some rooms of the working tree, to be changed, compiled and run. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Subject
 * @property {readonly string[]} rooms what is copied, built or not: folders of packages and apps
 * @property {string} [patched] the room that all patches are of; default: each names its own
 * @property {string} program what is run, and ends with 0 if it finds nothing
 * @property {(seeds: number, first: number) => readonly string[]} argumentsFor
 */

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Of a room, what is not copied: caches and maps. */
const LEFT_OUT = /node_modules\/\.|\.map$|\.tsbuildinfo$/;
/** Some hundred times what the slowest takes: a mistake may also make a run go on for ever. */
const MAX_RUN_MS = 30 * 60 * 1_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Emitted for running alone; a mistake may leave something unused. */
const COMPILER_OPTIONS = {
  rootDir: 'src',
  outDir: 'dist',
  composite: false,
  incremental: false,
  declaration: false,
  declarationMap: false,
  sourceMap: false,
  isolatedDeclarations: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
};

export class Workbench {
  /**
   * @param {string} folder
   * @param {Subject} subject
   */
  constructor(folder, subject) {
    this.folder = folder;
    this.subject = subject;
  }

  /**
   * What is in the working tree, committed or not.
   *
   * @param {Subject} subject
   */
  static async create(subject) {
    const folder = await mkdtemp(join(tmpdir(), 'dle-mutant-'));
    await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'), 'dir');
    for (const room of subject.rooms) await copyRoom(folder, room);
    return new Workbench(folder, subject);
  }

  /**
   * The room that a patch changes.
   *
   * @param {string} patch
   */
  roomOf(patch) {
    if (this.subject.patched !== undefined) return this.subject.patched;
    const [, room] =
      /^\+\+\+ b\/((?:packages|apps)\/[^/]+)\//m.exec(readFileSync(patch, 'utf8')) ?? [];
    if (room === undefined) throw new Error(`${patch} changes no room`);
    return room;
  }

  /**
   * Why `patch` does not fit what is here; undefined: it does, and is applied unless `isTrial`.
   *
   * @param {string} patch
   * @param {{ isTrial?: boolean }} [options]
   */
  async apply(patch, { isTrial = false } = {}) {
    const { patched } = this.subject;
    const mode = isTrial ? ['--check'] : [];
    const place = patched === undefined ? [] : [`--directory=${patched}`];
    // A repository around the temporary folder would have its own idea of paths.
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(this.folder) };
    const options = { cwd: this.folder, env };
    const applied = await run('git', ['apply', '-p1', ...place, ...mode, patch], options);
    return applied.code === 0 ? undefined : applied.output.trim();
  }

  /**
   * What the compiler has against a room; undefined: nothing.
   *
   * @param {string} room
   */
  async compile(room) {
    const compiler = join(REPOSITORY, 'node_modules/typescript');
    const { bin } = JSON.parse(await readFile(join(compiler, 'package.json'), 'utf8'));
    const project = join(this.folder, room);
    const compiled = await run(process.execPath, [join(compiler, bin.tsc), '-p', project]);
    return compiled.code === 0 ? undefined : compiled.output.trim();
  }

  /**
   * The first seed, from `first` on, under which something goes wrong, and what; undefined: none.
   *
   * @param {number} seeds
   * @param {number} first
   */
  async simulate(seeds, first) {
    const { program, argumentsFor } = this.subject;
    const options = [join(this.folder, program), ...argumentsFor(seeds, first)];
    const { code, output } = await run(process.execPath, options);
    if (code === 0) return undefined;
    const [, seed, violation] = /^seed (\d+): (.*)$/m.exec(output) ?? [];
    if (seed === undefined) throw new Error(`the simulation ended with ${code}: ${output}`);
    return { seed: Number(seed), violation };
  }

  async remove() {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').ExecFileOptions} [options]
 * @returns {Promise<{ code: number | string, output: string }>}
 */
function run(program, args, options = {}) {
  const bounds = { timeout: MAX_RUN_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return new Promise((resolve) => {
    execFile(program, args, { ...bounds, ...options }, (failure, stdout, stderr) => {
      const code = failure === null ? 0 : (failure.code ?? failure.signal ?? 'an error');
      resolve({ code, output: `${stdout}${stderr}` });
    });
  });
}

/**
 * @param {string} folder
 * @param {string} room
 */
async function copyRoom(folder, room) {
  const from = join(REPOSITORY, room);
  const to = join(folder, room);
  for (const part of ['src', 'dist', 'node_modules', 'package.json']) {
    await cp(join(from, part), join(to, part), {
      recursive: true,
      // Of one room to another: they are to lead to the copies.
      verbatimSymlinks: true,
      filter: (path) => !LEFT_OUT.test(path.slice(from.length)),
    });
  }
  const configuration = {
    extends: join(REPOSITORY, 'tsconfig.base.json'),
    compilerOptions: {
      ...COMPILER_OPTIONS,
      typeRoots: [join(REPOSITORY, 'node_modules/@types')],
    },
    include: ['src'],
  };
  await writeFile(join(to, 'tsconfig.json'), JSON.stringify(configuration));
}
