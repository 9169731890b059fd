/** Finds the criu to use: the one that is named, one that is installed, or vlab's own (criu-root.ts). */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { promisify } from 'node:util';
import { messageOf, VlabError } from '../../base/errors.js';
import { findProgram } from '../../base/find-program.js';
import { pulledCriu } from './criu-root.js';
import type { CriuCommand } from './criu-steps.js';
import { parseVersion, shortcomings, type Version } from './criu-version.js';

const run = promisify(execFile);

export interface Criu extends CriuCommand {
  /** Its program, for people. */
  path: string;
  version: Version;
}

export const PULL_HINT = 'vlab criu pull';

/**
 * `named`: --criu, a path or a name on PATH. Of the others the first that lacks nothing on this kernel, or else the newest
 * that works at all. Error (`host`): none does.
 */
export async function findCriu(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Criu> {
  const environment = environmentOf(env);
  const refused: string[] = [];
  let best: Criu | undefined;
  for (const argv of commands(named, env)) {
    const path = argv.at(-1) as string;
    try {
      const criu: Criu = { argv, env: environment, path, version: await versionOf(argv) };
      const lacks = shortcomings(release(), criu.version);
      if (lacks.length === 0 || named !== undefined) return criu;
      const hard = lacks.find((one) => one.hard);
      if (hard) refused.push(`${path} is ${criu.version.text}, but ${hard.why}`);
      else if (!best || criu.version.number > best.version.number) best = criu;
    } catch (error) {
      refused.push(`${path}: ${messageOf(error)}`);
    }
  }
  if (best) return best;
  const [wanted] = shortcomings(release(), { text: '0', number: 0 });
  const what = refused.length > 0 ? refused.join('; ') : 'criu is not installed';
  throw new VlabError('host', `cannot checkpoint or restore: ${what}`, {
    hint: `install criu ${wanted?.criu.text} or newer, name one by --criu, or let vlab get one: ${PULL_HINT}`,
  });
}

function commands(named: string | undefined, env: Readonly<Record<string, string | undefined>>): string[][] {
  if (named !== undefined) {
    const path = named.includes('/') ? named : findProgram(named, env.PATH);
    return [[path ?? named]];
  }
  const installed = findProgram('criu', env.PATH);
  const pulled = pulledCriu();
  return [...(installed === undefined ? [] : [[installed]]), ...(pulled ? [pulled] : [])];
}

/** Error (`host`): it does not run, or says something else. */
export async function versionOf(argv: readonly string[]): Promise<Version> {
  const [program = '', ...words] = argv;
  if (!existsSync(program)) throw new VlabError('host', 'there is no such file');
  const { stdout } = await run(program, [...words, '--version']);
  const version = parseVersion(stdout);
  if (!version) throw new VlabError('host', 'it does not tell its version');
  return version;
}

/** criu runs ip, iptables and tar, which are often where only administrators look. */
function environmentOf(env: Readonly<Record<string, string | undefined>>): string[] {
  const directories = (env.PATH || '/usr/local/bin:/usr/bin:/bin').split(':').filter(Boolean);
  const all = [...new Set([...directories, '/usr/local/sbin', '/usr/sbin', '/sbin'])];
  return [`PATH=${all.join(':')}`, ...(env.CRIU_CONFIG_FILE ? [`CRIU_CONFIG_FILE=${env.CRIU_CONFIG_FILE}`] : [])];
}

/** Error (`host`), as crun has it: criu does little for others, and nothing of a container's. */
export function mustBeRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new VlabError('host', 'checkpoint and restore need root', { hint: 'run it with sudo' });
}

/** A feature by its name in `criu check`; it takes some tens of milliseconds. */
export async function hasFeature({ argv, env }: CriuCommand, feature: string): Promise<boolean> {
  const [program = '', ...words] = argv;
  const variables = Object.fromEntries(env.map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]));
  return run(program, [...words, 'check', '--feature', feature], { env: variables }).then(
    () => true,
    () => false,
  );
}
