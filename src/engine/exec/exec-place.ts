/** Where a further program of a container goes, and as what: docker's `exec`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../../base/errors.js';
import type { Cgroup, JoinedCgroup } from '../../container/cgroup/cgroup.js';
import { ownedExecDirectories } from '../../container/cgroup/exec-directories.js';
import { parseConfig } from '../../container/config/parse-config.js';
import type { OciConfig } from '../../container/config/schema.js';
import type { Process } from '../../sys/owners.js';
import type { ExecRequest } from '../define/exec-request.js';
import { containerRoot } from '../files/container-root.js';
import { readRootFile } from '../files/root-file.js';
import { CONTAINER_FILES, containerDir } from '../record/container-files.js';
import type { BootProcess } from '../record/container-state.js';
import { isRunning, statusOf } from '../record/container-status.js';
import type { ContainerRecord } from '../record/records.js';
import { execConfigOf } from '../spec/exec-config.js';
import { resolveUser } from '../spec/user.js';

export interface ExecPlace {
  /** The container's, with the process to run. */
  config: OciConfig;
  container: { init: BootProcess; cgroups: readonly JoinedCgroup[] };
}

/** Errors: `operation` for a container that does not run; `input` for a user that it does not have. */
export function execPlace(record: ContainerRecord, request: ExecRequest): ExecPlace {
  const { id, definition, state } = record;
  const { process: init, cgroup } = state;
  if (!isRunning(state) || !init) throw notNow(`container ${id} is not running`, `vlab start ${state.name}`);
  if (statusOf(state) === 'paused') {
    throw notNow(`container ${id} is paused, unpause the container before exec`, `vlab unpause ${state.name}`);
  }
  const config = parseConfig(readFileSync(join(containerDir(id), CONTAINER_FILES.config), 'utf8'));
  const read = (path: string) => readRootFile(containerRoot(record), path) ?? '';
  const files = { passwd: read('/etc/passwd'), group: read('/etc/group') };
  const user = resolveUser(request.user ?? definition.user, request.user ? [] : definition.groupAdd, files);
  return {
    config: execConfigOf(config, request, user),
    container: { init, cgroups: joinedCgroups(cgroup, init) },
  };
}

/** Those of the container that a further program joins. */
export function joinedCgroups(cgroup: Cgroup | undefined, { pid }: Process): JoinedCgroup[] {
  return ownedExecDirectories(cgroup?.directories.map(({ path }) => path) ?? [], pid);
}

const notNow = (message: string, hint: string) => new VlabError('operation', message, { hint, exitCode: 1 });
