/** Everything that a container's OCI configuration depends on at the moment of its start, gathered from this machine. */

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { findProgram } from '../../base/find-program.js';
import { installLineHere } from '../../host/distribution.js';
import { type RootMount, rootPathOf } from '../../storage/root-mount.js';
import { sourceOf } from '../../storage/volumes.js';
import { hostArch } from '../../sys/abi.js';
import { type ContainerDefinition, joinedContainer } from '../define/definition.js';
import { allDevices, devicesOf } from '../define/host-devices.js';
import { limitFacts } from '../define/limit-facts.js';
import { readRootFile } from '../files/root-file.js';
import { containerDir, containerRunDir } from '../record/container-files.js';
import { isRunning } from '../record/container-status.js';
import { type ContainerRecord, readRecord } from '../record/records.js';
import { type JoinedContainer, type SpecFacts, volumeKey } from '../spec/facts.js';
import { resolveUser } from '../spec/user.js';

/** Errors: `input` for users, devices and containers that are not there; `host` without catatonit where it is asked for. */
export async function startFacts(record: ContainerRecord, root: RootMount): Promise<SpecFacts> {
  const { id, definition, state } = record;
  const rootless = process.getuid?.() !== 0;
  const resources = state.updated.resources;
  return {
    arch: hostArch(),
    rootPath: rootPathOf(root),
    nameFilesDirectory: containerDir(joinedContainer(definition.network.mode) ?? id),
    ...(definition.namespaces.ipc === 'shareable' ? { sharedShmPath: sharedShm(id) } : {}),
    user: userOf(definition, root),
    volumePaths: await volumePathsOf(definition),
    joined: joinedBy(definition),
    devices: definition.security.privileged && !rootless ? allDevices() : devicesOf(definition.devices),
    ...limitFacts(resources ?? definition.resources),
    ...(definition.init ? { initPath: reaper() } : {}),
    ...(rootless ? { idMaps: ownIds() } : {}),
    rootless,
    ...(resources ? { resources } : {}),
  };
}

function userOf({ user, groupAdd }: ContainerDefinition, root: RootMount) {
  const read = (path: string) => readRootFile(root, path) ?? '';
  return resolveUser(user, groupAdd, { passwd: read('/etc/passwd'), group: read('/etc/group') });
}

async function volumePathsOf({ mounts }: ContainerDefinition): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  for (const mount of mounts) {
    if (mount.kind === 'volume') paths.set(volumeKey(mount), await sourceOf(mount));
  }
  return paths;
}

/** In the run directory, which is in memory where there is such a place: another container cannot reach a mount of this one's. */
function shmOf(id: string): string {
  return join(containerRunDir(id), 'shm');
}

function sharedShm(id: string): string {
  const path = shmOf(id);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o1777);
  return path;
}

/** Error (`operation`): one of them does not run. */
function joinedBy({ network, namespaces }: ContainerDefinition): Map<string, JoinedContainer> {
  const ids = [network.mode, namespaces.pid, namespaces.ipc].flatMap((mode) => joinedContainer(mode) ?? []);
  return new Map(
    ids.map((id) => {
      const other = readRecord(id);
      const pid = other && isRunning(other.state) ? other.state.process?.pid : undefined;
      if (pid !== undefined) return [id, { pid, shmPath: shmOf(id) }];
      const name = other?.state.name ?? id;
      throw new VlabError('operation', `cannot join the namespaces of container ${name}: it is not running`, {
        hint: `start it first: vlab start ${name}`,
        exitCode: 125,
      });
    }),
  );
}

function reaper(): string {
  const path = findProgram('catatonit');
  if (path !== undefined) return path;
  throw new VlabError('host', '--init needs catatonit, which is not installed', {
    hint: installLineHere('catatonit'),
    exitCode: 125,
  });
}

function ownIds() {
  const one = (hostID: number) => [{ containerID: 0, hostID, size: 1 }];
  return { uid: one(process.getuid?.() ?? 0), gid: one(process.getgid?.() ?? 0) };
}
