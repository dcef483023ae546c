/** A copy of the consensus core and its simulation, to be changed, compiled and run. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const REPOSITORY = join(PACKAGE, '../..');
/** The simulation, and all that it runs, is what the compiler is given. */
const PROGRAM = 'testing/sim-cli';
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
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
  }

  /** What is in the working tree, committed or not. */
  static async create() {
    const folder = await mkdtemp(join(tmpdir(), 'dle-mutant-'));
    await cp(join(PACKAGE, 'src'), join(folder, 'src'), { recursive: true });
    await cp(join(PACKAGE, 'package.json'), join(folder, 'package.json'));
    await symlink(join(PACKAGE, 'node_modules'), join(folder, 'node_modules'), 'dir');
    const configuration = {
      extends: join(REPOSITORY, 'tsconfig.base.json'),
      compilerOptions: {
        ...COMPILER_OPTIONS,
        typeRoots: [join(REPOSITORY, 'node_modules/@types')],
      },
      files: [`src/${PROGRAM}.ts`],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(configuration));
    return new Workbench(folder);
  }

  /**
   * Why `patch` does not fit what is here; undefined: it does, and is applied unless `isTrial`.
   *
   * @param {string} patch
   * @param {{ isTrial?: boolean }} [options]
   */
  async apply(patch, { isTrial = false } = {}) {
    const mode = isTrial ? ['--check'] : [];
    // A repository around the temporary folder would have its own idea of paths.
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(this.folder) };
    const applied = await run('git', ['apply', '-p1', ...mode, patch], { cwd: this.folder, env });
    return applied.code === 0 ? undefined : applied.output.trim();
  }

  /** What the compiler has against it; undefined: nothing. */
  async compile() {
    const compiler = join(REPOSITORY, 'node_modules/typescript');
    const { bin } = JSON.parse(await readFile(join(compiler, 'package.json'), 'utf8'));
    const compiled = await run(process.execPath, [join(compiler, bin.tsc), '-p', this.folder]);
    return compiled.code === 0 ? undefined : compiled.output.trim();
  }

  /**
   * The first seed, from `first` on, under which something goes wrong, and what; undefined: none.
   *
   * @param {number} seeds
   * @param {number} first
   */
  async simulate(seeds, first) {
    const program = join(this.folder, 'dist', `${PROGRAM}.js`);
    const options = ['--seed', `${first}`, '--seeds', `${seeds}`];
    const { code, output } = await run(process.execPath, [program, ...options]);
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
