import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { run } from '../base/exec.js';
import { packageRoot } from '../base/paths.js';
import { hostFacts } from '../host/facts.js';
import type { Manifest } from './manifest.js';

/** What a manifest says of the machine and of the vlab that ran there. */
export type Surroundings = Pick<Manifest, 'host' | 'versions' | 'git'>;

/** Takes about a third of a second, and is not asked while trials run. */
export async function readSurroundings(): Promise<Surroundings> {
  const [host, git] = await Promise.all([hostFacts(), gitState()]);
  return { host, versions: ownVersions(), git };
}

/** Versions of vlab itself and of what it runs on. */
export function ownVersions(): Record<string, string> {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  return { vlab: version, node: process.versions.node, kernel: release() };
}

/** The commit that this vlab was built from, when it runs from a checkout that git can read; otherwise null. */
export async function gitState(root = packageRoot()): Promise<Manifest['git']> {
  // The checkout often belongs to another user than root: git reads it all the same, for this one command, and writes
  // nothing (`status` would leave an index there that belongs to root).
  const git = (...args: string[]) =>
    run('git', ['--no-optional-locks', '-c', 'safe.directory=*', '-c', 'core.fsmonitor=', '-C', root, ...args]);
  try {
    const [top, commit, status] = await Promise.all([
      git('rev-parse', '--show-toplevel'),
      git('rev-parse', 'HEAD'),
      git('status', '--porcelain', '--untracked-files=no'),
    ]);
    if (commit.exitCode !== 0 || status.exitCode !== 0 || top.stdout.trim() !== root) return null;
    return { commit: commit.stdout.trim(), dirty: status.stdout.trim() !== '' };
  } catch {
    return null; // no git here: a manifest without a commit says so itself
  }
}
