/**
 * Compiles the addon for the machine it runs on: `node native/build.mjs`. It needs a C compiler (`cc`,
 * or what the environment's CC names) and nothing else that a package manager does not bring; it
 * does nothing when the binary is newer than its sources. `--if-possible`: a missing compiler is
 * told, and is no failure, as the package works without the addon.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const SOURCES = dirname(fileURLToPath(import.meta.url));
const PREBUILDS = join(SOURCES, '../prebuilds');
const FLAGS = ['-std=gnu11', '-O2', '-shared', '-fPIC', '-fvisibility=hidden'];
const WARNINGS = ['-Wall', '-Wextra', '-Werror'];

/** There is no compiler, or none that can be used. */
class NotPossible extends Error {}

function build() {
  const compiler = process.env.CC || 'cc';
  const binary = join(PREBUILDS, targetOf(compiler), 'dle-storage.node');
  if (isNewerThanSources(binary)) return;
  mkdirSync(dirname(binary), { recursive: true });
  // Put in its place as a whole: processes that have loaded the one before keep it.
  const draft = `${binary}.${process.pid}`;
  try {
    compile(compiler, draft);
    renameSync(draft, binary);
  } finally {
    rmSync(draft, { force: true });
  }
  console.log(`built ${binary}`);
}

/**
 * `<platform>-<arch>`, and `-musl` for the C library of Alpine: what src/native/native-path.ts looks
 * for.
 *
 * @param {string} compiler
 */
function targetOf(compiler) {
  const { error, status, stdout } = spawnSync(compiler, ['-dumpmachine'], { encoding: 'utf8' });
  if (error || status !== 0) {
    throw new NotPossible(`no C compiler (${compiler}): install gcc or clang, or set CC`);
  }
  return `${process.platform}-${process.arch}${stdout.includes('musl') ? '-musl' : ''}`;
}

/** @param {string} binary */
function isNewerThanSources(binary) {
  if (!existsSync(binary)) return false;
  const built = statSync(binary).mtimeMs;
  return readdirSync(SOURCES).every((name) => statSync(join(SOURCES, name)).mtimeMs < built);
}

/**
 * @param {string} compiler
 * @param {string} output
 */
function compile(compiler, output) {
  const sources = readdirSync(SOURCES).filter((name) => name.endsWith('.c'));
  const link = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
  const { status } = spawnSync(
    compiler,
    [...FLAGS, ...WARNINGS, `-I${headers()}`, ...link, '-o', output, ...sources],
    { cwd: SOURCES, stdio: 'inherit' },
  );
  if (status !== 0) throw new Error('the addon could not be compiled; the reason is above');
}

/** Where node_api.h is: in a package made for this, or beside the Node that runs this. */
function headers() {
  try {
    return require('node-api-headers').include_dir;
  } catch {
    const beside = join(dirname(process.execPath), '../include/node');
    if (existsSync(join(beside, 'node_api.h'))) return beside;
    throw new NotPossible('no node_api.h: npm install --no-save node-api-headers');
  }
}

try {
  build();
} catch (thrown) {
  if (!(thrown instanceof NotPossible)) throw thrown;
  console.log(`@dle/storage without its native addon: ${thrown.message}`);
  if (!process.argv.includes('--if-possible')) process.exitCode = 1;
}
