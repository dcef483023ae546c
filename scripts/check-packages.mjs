/**
 * Checks the public packages as their users get them: packed, looked at by publint and
 * are-the-types-wrong, installed in an empty folder, imported, type-checked, and put to a first
 * use, with the native addon and without. Nothing is done if nothing that is packed has changed
 * since it last passed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toolEnvironment } from './setup.mjs';
import { REPOSITORY, readJson, workspacePackages } from './workspace.mjs';

const PASSED_STAMP = join(REPOSITORY, 'node_modules/.cache/dle-packages-checked');
/** What is packed, and what it is checked with. */
const PACKED = ['package.json', 'README.md', 'bin', 'dist', 'native', 'prebuilds', 'src'];
const CHECKED_WITH = [
  'LICENSE',
  'pnpm-lock.yaml',
  'scripts/check-packages.mjs',
  'scripts/smoke.mjs',
];

/** What npm would run on the machine of a user: nothing is to be built there. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

/** What a command printed, when it should have succeeded. */
class CommandFailed extends Error {}

/** @typedef {import('./workspace.mjs').WorkspacePackage} WorkspacePackage */

/** @param {readonly WorkspacePackage[]} packages */
function checkPackages(packages) {
  const folder = mkdtempSync(join(tmpdir(), 'dle-packages-'));
  try {
    const tarballs = packages.map((found) => pack(found, folder));
    for (const tarball of tarballs) {
      run('publint', ['run', tarball, '--strict'], folder);
      run('attw', [tarball, '--profile', 'esm-only', '--format', 'ascii'], folder);
    }
    const consumer = join(folder, 'consumer');
    install(packages, tarballs, consumer);
    packages.forEach(({ manifest }) => {
      refuseInstallScripts(join(consumer, 'node_modules', manifest.name));
    });
    importEverything(packages, consumer);
    run('npx', ['--no', 'dle', '--', '--version'], consumer);
    run('npx', ['--no', 'dle-server', '--', '--help'], consumer);
    for (const mode of nativeModes(consumer)) useStore(consumer, mode);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {WorkspacePackage} found
 * @param {string} destination
 * @returns {string} the tarball, with the versions of sister packages filled in
 */
function pack({ folder, manifest }, destination) {
  run('pnpm', ['pack', '--pack-destination', destination], join(REPOSITORY, folder));
  return join(destination, `${manifest.name.slice(1).replace('/', '-')}-${manifest.version}.tgz`);
}

/**
 * As a user would, with the packages from here instead of from the registry.
 *
 * @param {readonly WorkspacePackage[]} packages
 * @param {readonly string[]} tarballs
 * @param {string} consumer
 */
function install(packages, tarballs, consumer) {
  const names = packages.map(({ manifest }) => manifest.name);
  const dependencies = Object.fromEntries(names.map((name, at) => [name, `file:${tarballs[at]}`]));
  mkdirSync(consumer);
  const manifest = { private: true, type: 'module', dependencies };
  writeFileSync(join(consumer, 'package.json'), JSON.stringify(manifest));
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], consumer);
}

/** @param {string} installed the folder of a package */
function refuseInstallScripts(installed) {
  const { name, scripts = {} } = readJson(join(installed, 'package.json'));
  const found = INSTALL_SCRIPTS.filter((script) => script in scripts);
  // npm runs node-gyp where it finds one of these, without being told to.
  if (existsSync(join(installed, 'binding.gyp'))) found.push('binding.gyp');
  if (found.length > 0) throw new CommandFailed(`${name} runs ${found.join(', ')} when installed`);
}

/**
 * The modes of the native addon that can be tried: without a compiler there was none to be packed.
 *
 * @param {string} consumer
 */
function nativeModes(consumer) {
  if (existsSync(join(consumer, 'node_modules/@dle/storage/prebuilds'))) return ['0', 'require'];
  console.log('tried without the native addon, which could not be built');
  return ['0'];
}

/**
 * Runs `smoke.mjs` there, and checks the types of all entries without looking away from what they
 * use.
 *
 * @param {readonly WorkspacePackage[]} packages
 * @param {string} consumer
 */
function importEverything(packages, consumer) {
  const entries = packages.flatMap(({ manifest }) =>
    Object.keys(manifest.exports)
      .filter((entry) => entry !== './package.json')
      .map((entry) => manifest.name + entry.slice(1)),
  );
  const smoke = readFileSync(join(REPOSITORY, 'scripts/smoke.mjs'));
  writeFileSync(join(consumer, 'smoke.mjs'), smoke);
  for (const mode of nativeModes(consumer)) {
    // Nothing else can be found, a compiler least of all.
    const environment = { PATH: '', DLE_NATIVE: mode };
    run(process.execPath, ['smoke.mjs', ...entries], consumer, environment);
  }

  const lines = entries.map((entry, index) => `export * as entry${index} from '${entry}';`);
  writeFileSync(join(consumer, 'entries.ts'), lines.join('\n'));
  const typeRoots = join(REPOSITORY, 'node_modules/@types');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
  const modules = [
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
  ];
  const types = ['--types', 'node', '--typeRoots', typeRoots];
  run('tsc', ['--noEmit', ...strict, ...modules, ...types, 'entries.ts'], consumer);
}

/**
 * Writes to a store with the program that is installed, reads it, and restores it from a backup.
 *
 * @param {string} consumer
 * @param {string} mode of the native addon
 */
function useStore(consumer, mode) {
  /** @param {readonly string[]} words */
  const dleStore = (...words) =>
    run('npx', ['--no', 'dle-store', '--', ...words], consumer, { DLE_NATIVE: mode });
  const [store, backup, restored] = ['store', 'backup', 'restored'].map((name) => name + mode);
  dleStore(store, 'put', 'city', 'Basel');
  dleStore(store, 'put', 'river', 'Rhine');
  dleStore(store, 'verify');
  dleStore(store, 'backup', backup);
  dleStore(store, 'put', 'city', 'Bern');
  dleStore(restored, 'restore', backup);
  const seen = [
    dleStore(store, 'get', 'city'),
    dleStore(restored, 'scan'),
    dleStore(restored, 'verify', '--json'),
  ];
  const expected = ['Bern', 'city\tBasel\nriver\tRhine\n', '"damage":[]'];
  const at = expected.findIndex((part, place) => !seen[place].includes(part));
  if (at >= 0) throw new CommandFailed(`dle-store prints ${seen[at]}, and not ${expected[at]}`);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Readonly<Record<string, string>>} [environment] in addition to that of the tools
 * @returns {string} what it has printed
 */
function run(command, args, cwd, environment = {}) {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...toolEnvironment(), ...environment },
    encoding: 'utf8',
  });
  if (error) throw new CommandFailed(`${command}: ${error.message}`);
  if (status === 0) return stdout;
  throw new CommandFailed(`${stdout}${stderr}\nfailed: ${command} ${args.join(' ')}`);
}

/**
 * Everything the outcome depends on, as one hash.
 *
 * @param {readonly WorkspacePackage[]} packages
 */
function fingerprint(packages) {
  const hash = createHash('sha256').update(process.version);
  const packed = packages.flatMap(({ folder }) => PACKED.map((part) => `${folder}/${part}`));
  for (const path of [...CHECKED_WITH, ...packed].flatMap(filesBelow)) {
    hash.update(path).update(readFileSync(join(REPOSITORY, path)));
  }
  return hash.digest('hex');
}

/**
 * The file itself, or all in a folder; nothing if there is no such thing.
 *
 * @param {string} path
 * @returns {string[]}
 */
function filesBelow(path) {
  const place = join(REPOSITORY, path);
  if (!existsSync(place)) return [];
  if (!statSync(place).isDirectory()) return path.endsWith('.tsbuildinfo') ? [] : [path];
  return readdirSync(place).flatMap((name) => filesBelow(`${path}/${name}`));
}

const packages = workspacePackages().filter(({ manifest }) => !manifest.private);
const stamp = fingerprint(packages);
if (existsSync(PASSED_STAMP) && readFileSync(PASSED_STAMP, 'utf8') === stamp) {
  console.log(`${packages.length} packages have not changed since they passed`);
} else {
  try {
    checkPackages(packages);
    mkdirSync(dirname(PASSED_STAMP), { recursive: true });
    writeFileSync(PASSED_STAMP, stamp);
    console.log(`${packages.length} packages install, import and run`);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.log(error.message);
    process.exitCode = 1;
  }
}
