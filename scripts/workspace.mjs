/** The packages of this repository, as every script here sees them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's top folder. */
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/** The folders whose subfolders are packages; the same as in pnpm-workspace.yaml. */
const PACKAGE_ROOMS = ['packages', 'apps'];

/**
 * @typedef {object} WorkspacePackage
 * @property {string} folder relative to the top folder, with forward slashes, such as
 *   `packages/net`
 * @property {any} manifest what its package.json says
 */

/**
 * Every package below `root`, in the order of their folders.
 * @param {string} root
 * @returns {WorkspacePackage[]}
 */
export function workspacePackages(root = REPOSITORY) {
  return PACKAGE_ROOMS.filter((room) => existsSync(join(root, room)))
    .flatMap((room) => readdirSync(join(root, room)).map((name) => `${room}/${name}`))
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .map((folder) => ({ folder, manifest: readJson(join(root, folder, 'package.json')) }));
}

/** @param {string} file */
export function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
