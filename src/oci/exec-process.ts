/** Which process `exec` runs: a file's, or the container's own with other words, user, environment … Pure but for reading the file. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, VlabError } from '../base/errors.js';
import { parseProcess } from '../container/config/parse-config.js';
import { CAPABILITY_SETS, type OciConfig, type OciProcess, type OciUser } from '../container/config/schema.js';
import type { Invocation } from './invocation.js';

/** Errors: `input` for the file, the flags, or no command. */
export function execProcess({ caller, flags, rest }: Invocation, config: OciConfig): OciProcess {
  const file = flags.string('process');
  if (file !== undefined) {
    const process = parseProcess(readText(resolve(caller.cwd, file)), file);
    if (process.args.length === 0) throw new VlabError('input', `${file}: args is empty`);
    return process;
  }
  const args = rest.slice(1);
  if (args.length === 0)
    throw new VlabError('input', 'exec: no command is given', { hint: 'vlab-oci exec ID COMMAND …' });
  const own = config.process;
  const cwd = flags.string('cwd') ?? own.cwd;
  if (!cwd.startsWith('/')) throw new VlabError('input', `--cwd ${cwd} is no absolute path`);
  const apparmorProfile = flags.string('apparmor') ?? own.apparmorProfile;
  const selinuxLabel = flags.string('process-label') ?? own.selinuxLabel;
  const { consoleSize: _, terminal: __, ...kept } = own;
  return {
    ...kept,
    args,
    cwd,
    env: [...own.env, ...flags.list('env')],
    user: userOf(flags.string('user'), flags.list('additional-gids'), own.user),
    ...(flags.has('tty') ? { terminal: true } : {}),
    ...(flags.has('no-new-privs') ? { noNewPrivileges: true } : {}),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
    ...capabilitiesOf(own, flags.list('cap')),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new VlabError('input', `cannot read the process of --process: ${messageOf(cause)}`, { cause });
  }
}

/** `--user UID[:GID]`, in numbers, as there is no /etc/passwd that could be trusted. */
function userOf(text: string | undefined, additional: readonly string[], own: OciUser): OciUser {
  const additionalGids = additional.flatMap((one) => one.split(',')).map((one) => id(one, '--additional-gids'));
  const more = additionalGids.length > 0 ? { additionalGids } : {};
  if (text === undefined) return { ...own, ...more };
  const [uid = '', gid] = text.split(':');
  return {
    uid: id(uid, '--user'),
    gid: gid === undefined ? own.gid : id(gid, '--user'),
    ...(own.umask === undefined ? {} : { umask: own.umask }),
    ...more,
  };
}

function id(text: string, flag: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new VlabError('input', `${flag} ${text} is no number of a user or group`);
  return Number(text);
}

/** Those of --cap are added to every set, as runc does. */
function capabilitiesOf(own: OciProcess, more: readonly string[]): Pick<OciProcess, 'capabilities'> {
  if (more.length === 0) return own.capabilities ? { capabilities: own.capabilities } : {};
  const sets = CAPABILITY_SETS.map((set) => [set, [...new Set([...(own.capabilities?.[set] ?? []), ...more])]]);
  return { capabilities: Object.fromEntries(sets) as NonNullable<OciProcess['capabilities']> };
}
