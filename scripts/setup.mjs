/**
 * Makes a checkout ready: installs what the manifests name and builds what changed. Needs Node and
 * npm, nothing else, and takes a second when there is nothing to do. By hand: `node
 * scripts/setup.mjs`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REPOSITORY, readJson, workspacePackages } from './workspace.mjs';

const INSTALLED_STAMP = join(REPOSITORY, 'node_modules/.dle-installed');

/** Something a person has to put right; its message is one line that says what. */
export class SetupError extends Error {}

/**
 * The environment in which the tools of this repository find each other, and tell nobody that they
 * ran.
 */
export function toolEnvironment() {
  const binaries = join(REPOSITORY, 'node_modules/.bin');
  return {
    ...process.env,
    PATH: binaries + delimiter + process.env.PATH,
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
  };
}

/** Refuses a Node that is older than package.json allows. */
export function checkNodeVersion(version = process.versions.node) {
  const wanted = readJson(join(REPOSITORY, 'package.json')).engines.node.replace('>=', '');
  const [major, minor] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  const isNewEnough = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  if (!isNewEnough)
    throw new SetupError(`dle needs Node ${wanted} or newer; this is Node ${version}.`);
}

/** Installs by the lock file, unless what is installed is what it says. */
export function install() {
  const fingerprint = manifestFingerprint();
  if (existsSync(INSTALLED_STAMP) && readFileSync(INSTALLED_STAMP, 'utf8') === fingerprint) return;
  const pnpm = readJson(join(REPOSITORY, 'package.json')).packageManager;
  console.log('Installing …');
  // It would else stop to ask, where there is nobody to answer, before it replaces what another
  // pnpm installed.
  const unattended = '--config.confirmModulesPurge=false';
  const { error, status } = spawnSync(
    'npx',
    ['--yes', pnpm, 'install', '--frozen-lockfile', unattended],
    { cwd: REPOSITORY, env: toolEnvironment(), stdio: 'inherit' },
  );
  if (error) throw new SetupError('npx was not found: install npm, which comes with Node.');
  if (status !== 0) {
    throw new SetupError(
      'Installing failed; the reason is above. (Changed a package.json? Run: npx pnpm install)',
    );
  }
  writeFileSync(INSTALLED_STAMP, fingerprint);
}

/** Everything an installation depends on, as one hash. */
function manifestFingerprint() {
  const hash = createHash('sha256').update(process.version);
  const manifests = workspacePackages().map(({ folder }) => `${folder}/package.json`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests]) {
    hash.update(file).update(readFileSync(join(REPOSITORY, file)));
  }
  return hash.digest('hex');
}

/**
 * Builds every package whose sources, or whose dependencies' sources, changed. Says nothing when
 * all is well.
 */
export function build() {
  const { status, stdout, stderr } = spawnSync(
    'turbo',
    ['run', 'build', '--output-logs=errors-only'],
    { cwd: REPOSITORY, env: toolEnvironment(), encoding: 'utf8' },
  );
  if (status === 0) return;
  throw new SetupError(`${stdout ?? ''}${stderr ?? ''}\nBuilding failed; the reason is above.`);
}

/** All of the above. */
export function setUp() {
  checkNodeVersion();
  install();
  build();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    setUp();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
