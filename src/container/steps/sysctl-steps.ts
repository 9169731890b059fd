/** Kernel parameters of the container's own namespaces as steps (config-linux.md, "Sysctl"; proc_sys(5)). Pure. */
import { ABI, flags } from '../../sys/abi.js';
import { words64 } from '../../sys/encode.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import type { Namespaces } from '../config/namespaces.js';
import { configError } from '../config/parse-config.js';
import type { OciNamespaceType } from '../config/schema.js';
import { OPEN_HOW_BYTES } from './within-root.js';

/** Parameters that each ipc namespace has for itself (ipc_namespaces(7)). */
const IPC_PARAMETERS = new Set(
  ['msgmax', 'msgmnb', 'msgmni', 'sem', 'shmall', 'shmmax', 'shmmni', 'shm_rmid_forced'].map(
    (name) => `kernel.${name}`,
  ),
);

interface Parameter {
  /** Below /proc/sys. */
  path: string;
  value: string;
  /** The JSON path. */
  from: string;
}

/** Errors: `input` with the JSON path, for a parameter that would be the host's. */
export function parametersOf(sysctl: Readonly<Record<string, string>>, namespaces: Namespaces): Parameter[] {
  return Object.entries(sysctl).map(([key, value]) => {
    const from = `linux.sysctl.${key}`;
    const path = pathOf(key);
    if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
      throw configError(from, 'is no name of a kernel parameter');
    }
    const name = dotted(path);
    if (name === 'kernel.hostname') throw configError(from, 'is what the property hostname is for');
    const owner = ownerOf(name);
    if (owner === undefined)
      throw configError(from, 'is no parameter of a namespace: it would be changed for the host');
    if (!namespaces.apart(owner)) throw configError(from, `would be the host's: it needs a ${owner} namespace`);
    return { path, value, from };
  });
}

function ownerOf(name: string): OciNamespaceType | undefined {
  if (IPC_PARAMETERS.has(name) || name.startsWith('fs.mqueue.')) return 'ipc';
  if (name.startsWith('net.')) return 'network';
  return name === 'kernel.domainname' ? 'uts' : undefined;
}

/** sysctl(8): the first separator says which it is; the other is a character of a name (`net.ipv4.conf.eth0/1.mtu`). */
function pathOf(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  return first === '.' ? swapped(key) : key;
}

const dotted = (path: string) => swapped(path);
const swapped = (text: string) => text.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));

/**
 * In the child, in its namespaces, while its /proc is still writable. `proc`: a procfs that was mounted for it; without one,
 * the host's shows the child its own namespaces too.
 */
export function setParameters(b: PlanBuilder, parameters: readonly Parameter[], proc: Word | undefined): void {
  // A mount of the configuration may lie over a part of it, at a place that the image chose by a link (CVE-2025-52881).
  const resolve = ABI.RESOLVE_BENEATH | ABI.RESOLVE_NO_XDEV | ABI.RESOLVE_NO_SYMLINKS;
  for (const { path, value, from } of parameters) {
    const fd = b.word('parameter');
    if (proc) {
      const open = flags('O_WRONLY', 'O_CLOEXEC');
      const how = b.data(words64(open.value, 0, resolve), `{${open.text}, BENEATH|NO_XDEV|NO_SYMLINKS}`);
      const hint = `this kernel must have it, and nothing may be mounted over /proc/sys/${path}`;
      b.step('openat2', [proc, b.str(`sys/${path}`), how, OPEN_HOW_BYTES], `open ${path}`, { result: fd, from, hint });
    } else {
      const file = b.str(`/proc/sys/${path}`);
      b.step('openat', [flags('AT_FDCWD'), file, flags('O_WRONLY', 'O_CLOEXEC')], `open ${path}`, { result: fd, from });
    }
    b.step('write', [fd, b.str(value), Buffer.byteLength(value)], `set it to ${value.trim()}`, { from });
    b.step('close', [fd], 'done with it');
  }
}
