/** The configuration of a container with the process of an `exec` in place of its own (moby's daemon/exec_linux.go). Pure. */
import { CAPABILITIES } from '../../container/config/capabilities.js';
import type { OciConfig } from '../../container/config/schema.js';
import type { ExecRequest } from '../define/exec-request.js';
import type { ResolvedUser } from './facts.js';
import { settableGroups } from './user.js';

/**
 * `config`: of the container's start. `user`: the one of the request, or the container's own, by resolveUser; HOME is
 * theirs unless somebody has said otherwise. With all privileges it has every capability and no filter, but the container's view.
 */
export function execConfigOf(config: OciConfig, request: ExecRequest, user: ResolvedUser): OciConfig {
  const { process } = config;
  const { consoleSize: _, terminal: __, ...kept } = process;
  const bounding = request.privileged ? [...CAPABILITIES] : (process.capabilities?.bounding ?? []);
  const groups = settableGroups(user.additionalGids, config.linux.gidMappings);
  const own = user.uid === 0 ? bounding : [];
  const sets = { bounding, effective: own, permitted: own, inheritable: [], ambient: [] };
  return {
    ...config,
    process: {
      ...kept,
      ...(request.tty ? { terminal: true } : {}),
      args: request.args,
      cwd: request.cwd ?? process.cwd,
      user: { ...process.user, uid: user.uid, gid: user.gid, additionalGids: groups },
      env: environmentOf(process.env, request, user),
      capabilities: sets,
    },
    linux: request.privileged ? withoutFilter(config.linux) : config.linux,
  };
}

function withoutFilter({ seccomp: _, ...linux }: OciConfig['linux']): OciConfig['linux'] {
  return linux;
}

function environmentOf(own: readonly string[], { tty, env, user: asked }: ExecRequest, user: ResolvedUser): string[] {
  const entries = [...own.filter((entry) => !(asked !== undefined && entry.startsWith('HOME=')))];
  if (tty) entries.push('TERM=xterm');
  entries.push(...env);
  const byName = new Map(entries.map((entry) => [entry.split('=', 1)[0] ?? '', entry]));
  if (!byName.has('HOME')) byName.set('HOME', `HOME=${user.home}`);
  return [...byName.values()];
}
