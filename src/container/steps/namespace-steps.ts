/** The namespaces of a container as steps: which are new, what is set up in them (namespaces(7)). Pure. */
import { ABI, type AbiName, flags } from '../../sys/abi.js';
import type { PlanBuilder } from '../../sys/plan.js';
import type { OciConfig, OciIdMapping, OciNamespaceType } from '../config/schema.js';

export const CLONE_FLAGS: Record<OciNamespaceType, AbiName> = {
  pid: 'CLONE_NEWPID',
  network: 'CLONE_NEWNET',
  mount: 'CLONE_NEWNS',
  ipc: 'CLONE_NEWIPC',
  uts: 'CLONE_NEWUTS',
  cgroup: 'CLONE_NEWCGROUP',
  user: 'CLONE_NEWUSER',
  time: 'CLONE_NEWTIME',
};

/** A process may map its own id without help once it gave up setgroups (user_namespaces(7)). */
export function mapIds(b: PlanBuilder, config: OciConfig): void {
  const text = (mappings: readonly OciIdMapping[] = []) =>
    mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
  const files = { setgroups: 'deny', uid_map: text(config.linux.uidMappings), gid_map: text(config.linux.gidMappings) };
  for (const [file, value] of Object.entries(files)) {
    const fd = b.word('fd');
    const path = b.str(`/proc/self/${file}`);
    b.step('openat', [flags('AT_FDCWD'), path, flags('O_WRONLY', 'O_CLOEXEC')], `open its ${file}`, { result: fd });
    b.step('write', [fd, b.str(value), value.length], `write ${JSON.stringify(value.trim())}`);
    b.step('close', [fd], 'done with it');
  }
}

export function nameHost(b: PlanBuilder, config: OciConfig): void {
  const { hostname, domainname } = config;
  if (hostname) b.step('sethostname', [b.str(hostname), Buffer.byteLength(hostname)], 'set the host name');
  if (domainname) b.step('setdomainname', [b.str(domainname), Buffer.byteLength(domainname)], 'set the domain name');
}

/** netdevice(7): struct ifreq is 40 bytes, the name first, the flags at 16. */
export function loopbackUp(b: PlanBuilder): void {
  const ifreq = b.space(40, '{lo, IFF_UP}');
  b.put(ifreq.offset, 0x6f6c, 32); // "lo"
  b.put(ifreq.offset + 16, ABI.IFF_UP, 32);
  const socket = b.word('socket');
  b.step('socket', [flags('AF_INET'), flags('SOCK_DGRAM', 'SOCK_CLOEXEC'), 0], 'a socket to reach the network', {
    result: socket,
  });
  b.step('ioctl', [socket, flags('SIOCSIFFLAGS'), ifreq], 'bring the loopback device up');
}
