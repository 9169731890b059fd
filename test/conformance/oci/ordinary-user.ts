/** An ordinary user who calls the runtime, while the tests look on as root. */
import { chownSync, lchownSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface OrdinaryUser {
  /** Of the user and of its group. */
  id: number;
  /** Ids that it may use besides (subuid(5), subgid(5)). */
  range: { first: number; size: number };
}

/** Nobody of this machine has this number; the range has all that the tests map. */
export const ORDINARY_USER: OrdinaryUser = { id: 642_000, range: { first: 100_000, size: 300_000 } };

const NAME = 'conformance';

export interface Called {
  /** Words before those of a runtime. */
  words: readonly string[];
  env: Readonly<Record<string, string>>;
}

/**
 * How that user calls something: with files of its own for those of /etc that tell who it is, in a mount namespace that only the
 * command has. `dir`: where its home is made.
 */
export function calledBy({ id, range }: OrdinaryUser, dir: string): Called {
  const etc = join(dir, 'etc');
  mkdirSync(etc);
  const home = join(dir, 'home');
  for (const path of [home, join(home, 'run')]) {
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, id, id);
  }
  const whole = (name: string, line: string) =>
    writeFileSync(join(etc, name), `${line}\n${readFileSync(`/etc/${name}`)}`);
  whole('passwd', `${NAME}:x:${id}:${id}::${home}:/bin/sh`);
  whole('group', `${NAME}:x:${id}:`);
  for (const name of ['subuid', 'subgid']) writeFileSync(join(etc, name), `${NAME}:${range.first}:${range.size}\n`);
  const script =
    'for file in passwd group subuid subgid; do mount --bind "$0/$file" "/etc/$file" || exit; done; exec "$@"';
  const become = ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--inh-caps=-all'];
  return {
    words: ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', script, etc, ...become],
    env: { PATH: process.env.PATH ?? '', HOME: home, XDG_RUNTIME_DIR: join(home, 'run') },
  };
}

/** Gives the user a folder with all that is in it. */
export function give(folder: string, user: OrdinaryUser): void {
  giveOne(folder, user.id);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) give(path, user);
    else giveOne(path, user.id);
  }
}

/** Only what is root's: the rest is the user's already, or its containers'. */
function giveOne(path: string, id: number): void {
  if (lstatSync(path).uid === 0) lchownSync(path, id, id);
}
