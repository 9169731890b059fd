/**
 * The files of one container, all in its own directory. Whoever writes them is named here; everybody may read them.
 *
 *   definition.json   what was asked for; written once, before the directory has its place (createContainer)
 *   state.json        what changes: name, process, end, health, networks; by rename, under the container's lock
 *   config.json       the OCI configuration of the last start
 *   exit              how the last process ended, by its monitor
 *   hosts, resolv.conf, hostname   mounted into the container
 *   log/              its output
 */
import { join } from 'node:path';
import { dataDir, runDir } from '../../base/paths.js';

export const CONTAINER_FILES = {
  definition: 'definition.json',
  state: 'state.json',
  config: 'config.json',
  exit: 'exit',
  hosts: 'hosts',
  resolvConf: 'resolv.conf',
  hostname: 'hostname',
  log: 'log',
} as const;

export function containersDir(): string {
  return join(dataDir(), 'containers');
}

/** `id`: 64 hexadecimal digits. */
export function containerDir(id: string): string {
  return join(containersDir(), id);
}

/** What lives only while this boot lives: sockets and FIFOs. The name is short, since a socket's path may have 107 bytes. */
export function containerRunDir(id: string): string {
  return join(runDir(), 'c', id.slice(0, 24));
}
