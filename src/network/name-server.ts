/** Keeps names: a dnsmasq for each network that has containers, or lines in their /etc/hosts. */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { findProgram } from '../base/find-program.js';
import { writeWhole } from '../base/partial.js';
import { dataDir } from '../base/paths.js';
import { hasEnded, type Process, processOf } from '../sys/owners.js';
import type { NetworkDefinition } from './definition.js';
import type { Lease } from './leases.js';
import {
  hasNames,
  hostsLines,
  localDomains,
  nameServerArgs,
  nameServerFiles,
  readsNamesInFile,
  withNames,
} from './names.js';
import { type Made, readNetworkState } from './network-state.js';
import { endProcess, endUnknown } from './owned-processes.js';
import type { NetworkSession } from './session.js';

export interface NameChange {
  networks: readonly NetworkDefinition[];
  leases: readonly Lease[];
  made: Made;
  /** Leases that came or went. */
  changed: readonly Lease[];
  /** A command was killed: servers may run that nobody wrote down. */
  isUnsure?: boolean;
}

/** Whether a server can answer the names of networks here. */
export const canServeNames = (): boolean => findProgram('dnsmasq') !== undefined;

/** Said once, when a network is made. */
export const NAMES_IN_FILES =
  "warning: dnsmasq is not installed: names of this network stand in its containers' /etc/hosts, and no server answers them";

/** What the resolv.conf of a container on these networks names, in their order; nothing: what the host asks. */
export function serversOf(networks: readonly NetworkDefinition[]): string[] {
  const first = canServeNames() ? networks.find(hasNames) : undefined;
  return first ? first.subnets.map(({ gateway }) => gateway) : [];
}

/** Starts, tells and ends servers, and writes names into files, for the networks of the changed leases. */
export async function settleNames(session: NetworkSession, change: NameChange): Promise<Made> {
  const { networks, leases, made, changed } = change;
  if (change.isUnsure) await endUnknown(`--pid-file=${namesDir()}/`, Object.values(made.nameServers));
  const nameServers = { ...made.nameServers };
  const touched = new Set(changed.map(({ network }) => network));
  for (const id of Object.keys(nameServers)) {
    if (networks.some((one) => one.id === id)) continue;
    await end(nameServers[id] as Process, id);
    delete nameServers[id];
  }
  for (const network of networks.filter(hasNames)) {
    const users = leases.filter((lease) => lease.network === network.id);
    const server = nameServers[network.id];
    const isUp = server !== undefined && !hasEnded(server);
    if (users.length === 0) {
      if (server) await end(server, network.id);
      delete nameServers[network.id];
    } else if (canServeNames() && (touched.has(network.id) || !isUp)) {
      await writeFiles(network, users);
      if (isUp) process.kill(server.pid, 'SIGHUP');
      else nameServers[network.id] = await start(session, network);
    }
  }
  writeHostsFiles({ networks, leases, touched, nameServers });
  return { ...made, nameServers };
}

const namesDir = () => join(dataDir(), 'names');
const folderOf = (network: string) => join(namesDir(), network.slice(0, 12));

async function writeFiles(network: NetworkDefinition, users: readonly Lease[]): Promise<void> {
  const files = nameServerFiles(folderOf(network.id));
  mkdirSync(dirname(files.hosts), { recursive: true, mode: 0o755 });
  await writeWhole(files.servers, `${localDomains(network, users).join('\n')}\n`);
  await writeWhole(files.hosts, `${hostsLines(network, users).join('\n')}\n`);
}

/** It says that it is up by going into the background. */
async function start(session: NetworkSession, network: NetworkDefinition): Promise<Process> {
  await endUnknown(`--pid-file=${folderOf(network.id)}/`, []);
  const files = nameServerFiles(folderOf(network.id));
  const user = canBeReadByAll(dirname(files.hosts)) ? 'nobody' : 'root';
  const ran = spawnSync(findProgram('dnsmasq') as string, nameServerArgs(network, files, user), {
    stdio: ['ignore', 'ignore', 'pipe', session.lock],
    encoding: 'utf8',
  });
  if (ran.error) throw ran.error;
  if (ran.status === 0) return processOf(Number(readFileSync(files.pid, 'utf8')));
  throw new VlabError('operation', `no name server for the network ${network.name}: ${ran.stderr.trim()}`, {
    hint: `another one may listen on all addresses (ss -lnp 'sport = 53'): let it bind only its own`,
  });
}

/** It gives up root where it can still read what it is told. */
function canBeReadByAll(folder: string): boolean {
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) return false;
  }
  return true;
}

async function end(server: Process, network: string): Promise<void> {
  await endProcess(server);
  rmSync(folderOf(network), { recursive: true, force: true });
}

function writeHostsFiles(
  change: Pick<NameChange, 'networks' | 'leases'> & { touched: ReadonlySet<string>; nameServers: object },
) {
  const { networks, leases, touched, nameServers } = change;
  const isServed = (network: string) => network in nameServers;
  for (const network of networks.filter((one) => hasNames(one) && touched.has(one.id))) {
    const users = leases.filter((lease) => lease.network === network.id);
    for (const lease of users) {
      if (lease.hostsFile === undefined) continue;
      const lines = readsNamesInFile(lease, leases, isServed) ? hostsLines(network, users) : [];
      editInPlace(lease.hostsFile, (text) => withNames(text, network, lines));
    }
  }
}

/** A new text of that /etc/hosts with the names that belong into it at this moment. */
export function withKnownNames(hostsFile: string, text: string): string {
  const { networks, leases, made } = readNetworkState();
  const mine = leases.all.filter((lease) => lease.hostsFile === hostsFile);
  return mine.reduce((before, lease) => {
    const network = networks.find(({ id }) => id === lease.network);
    const isServed = (id: string) => id in (made?.nameServers ?? {});
    if (!network || !hasNames(network) || !readsNamesInFile(lease, leases.all, isServed)) return before;
    return withNames(
      before,
      network,
      hostsLines(
        network,
        leases.all.filter((other) => other.network === network.id),
      ),
    );
  }, text);
}

/** The file itself: it is mounted in the container, where another one of that name would not be seen. */
function editInPlace(path: string, edit: (text: string) => string): void {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return; // the container is being removed
    throw error;
  }
  const next = edit(text);
  if (next === text) return;
  const file = openSync(path, 'r+');
  try {
    writeSync(file, next, 0);
    ftruncateSync(file, Buffer.byteLength(next));
  } finally {
    closeSync(file);
  }
}
