/**
 * OCI configuration → the steps of a container. Pure. The caller decides what happens around them (who waits, who
 * stamps, where the output goes); this file decides what the container is.
 */
import { ABI, type AbiName, flags } from '../sys/abi.js';
import { type Cloned, cloneProcess } from '../sys/clone.js';
import { words32 } from '../sys/encode.js';
import { num } from '../sys/num.js';
import type { PlanBuilder, StepOptions, Word } from '../sys/plan.js';
import { CAPABILITIES, capabilityMask } from './capabilities.js';
import { cgroupSteps } from './cgroup-steps.js';
import { MountSteps } from './mount-steps.js';
import type { CapabilitySet, OciConfig, OciIdMapping, OciNamespace } from './oci.js';
import type { Situation } from './situation.js';

export interface ContainerSteps {
  /** In the parent: cgroups are made and limited, and the clone3 step is prepared: `toParent` of the result adds it. */
  create(pid: Word): Cloned;
  /** The child's steps from its birth to its root; `rooted` is called where the root has changed. */
  enter(rooted: () => void): void;
  /** The child's last steps before its program: identity and privileges. */
  drop(): void;
  /** execve of the program. */
  exec(): void;
  /** In the parent, after the child was reaped. */
  after(): void;
  /** Descriptor of the container's devpts, for a terminal. */
  pts(): Word;
  /** The /dev directory, for a console. */
  dev(): Word;
  cgroupDirectories: string[];
}

export const CLONE_FLAGS: Record<OciNamespace, AbiName> = {
  pid: 'CLONE_NEWPID',
  network: 'CLONE_NEWNET',
  mount: 'CLONE_NEWNS',
  ipc: 'CLONE_NEWIPC',
  uts: 'CLONE_NEWUTS',
  cgroup: 'CLONE_NEWCGROUP',
  user: 'CLONE_NEWUSER',
};

/** Errors: `host` for a limit that cannot be set here; RangeError for a configuration this compiler does not know. */
export function compileContainer(b: PlanBuilder, config: OciConfig, situation: Situation): ContainerSteps {
  const types = new Set(config.linux.namespaces.map(({ type }) => type));
  const cgroups = cgroupSteps(b, config, situation);
  const mounts = new MountSteps(b, situation.rootless !== undefined);
  // Version 1 is joined by the child itself, so its cgroup namespace must begin after that.
  const unshareCgroup = types.has('cgroup') && !cgroups.clonesInto;
  const cloned = [...types].filter((type) => type !== 'cgroup' || !unshareCgroup);
  return {
    cgroupDirectories: cgroups.directories,
    create(pid) {
      const made = cloneProcess(b, {
        namespaces: cloned.map((type) => CLONE_FLAGS[type]),
        why: `create the container's first process in ${cloned.length} new namespaces`,
        intoCgroup: cgroups.clonesInto,
        borrowsMemory: true,
        pid,
        hint: types.has('user')
          ? 'unprivileged user namespaces may be switched off here: see `vlab doctor`'
          : 'creating namespaces needs root; see `vlab doctor`',
      });
      cgroups.make(made.cgroup);
      return made;
    },
    enter(rooted) {
      cgroups.join();
      if (unshareCgroup) b.step('unshare', [flags('CLONE_NEWCGROUP')], 'see its own cgroups as the roots of the trees');
      if (types.has('user')) mapIds(b, config);
      if (types.has('uts')) nameHost(b, config);
      mounts.root(config.root.path);
      for (const entry of config.mounts) mounts.mount(entry);
      mounts.devices(config.linux.devices);
      mounts.mask(config.linux.maskedPaths, situation.kernelPaths);
      mounts.readonly(config.linux.readonlyPaths, situation.kernelPaths);
      if (config.root.readonly) mounts.readonlyRoot();
      mounts.pivot();
      rooted();
      if (types.has('network')) loopbackUp(b);
    },
    drop() {
      const { process } = config;
      b.step(
        'umask',
        [num(process.user.umask ?? 0o022, `0${(process.user.umask ?? 0o022).toString(8)}`)],
        'set the file mode mask',
      );
      b.step('chdir', [b.str(process.cwd)], 'stand in the working directory', {
        hint: `the image has no directory ${process.cwd}`,
      });
      if (process.capabilities) dropBounding(b, process.capabilities.bounding);
      setUser(b, config, situation.rootless !== undefined);
      if (process.capabilities) setCapabilities(b, process.capabilities);
      if (process.noNewPrivileges) {
        b.step('prctl', [flags('PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0], 'no program it runs can gain privileges');
      }
    },
    exec: () => execProgram(b, config),
    after: () => cgroups.remove(),
    pts: () => mounts.heldOrThrow('/dev/pts'),
    dev: () => mounts.heldOrThrow('/dev'),
  };
}

/**
 * execve; a name without a slash is tried in each directory of PATH, as execvp(3) does, but from within the container: no
 * look-up on the host could be trusted.
 */
function execProgram(b: PlanBuilder, config: OciConfig): void {
  const { args, env } = config.process;
  const name = args[0] ?? '';
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  const candidates = name.includes('/') ? [name] : path.split(':').map((directory) => `${directory || '.'}/${name}`);
  const argv = b.stringArray(args, 'argv');
  const envp = b.stringArray(env, 'envp');
  const hint = `look for ${name} in ${config.root.path}: it must exist there, be executable, and find its interpreter`;
  candidates.forEach((candidate, index) => {
    const last = index === candidates.length - 1;
    const options: StepOptions = last ? { hint } : { hint, tolerate: ['ENOENT', 'ENOTDIR'] };
    b.step('execve', [b.str(candidate), argv, envp], `run ${candidate}`, options);
  });
}

/** A process may map its own id without help once it gave up setgroups (user_namespaces(7)). */
function mapIds(b: PlanBuilder, config: OciConfig): void {
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

function nameHost(b: PlanBuilder, config: OciConfig): void {
  const { hostname, domainname } = config;
  if (hostname) b.step('sethostname', [b.str(hostname), Buffer.byteLength(hostname)], 'set the host name');
  if (domainname) b.step('setdomainname', [b.str(domainname), Buffer.byteLength(domainname)], 'set the domain name');
}

/** netdevice(7): struct ifreq is 40 bytes, the name first, the flags at 16. */
function loopbackUp(b: PlanBuilder): void {
  const ifreq = b.space(40, '{lo, IFF_UP}');
  b.put(ifreq.offset, 0x6f6c, 32); // "lo"
  b.put(ifreq.offset + 16, ABI.IFF_UP, 32);
  const socket = b.word('socket');
  b.step('socket', [flags('AF_INET'), flags('SOCK_DGRAM', 'SOCK_CLOEXEC'), 0], 'a socket to reach the network', {
    result: socket,
  });
  b.step('ioctl', [socket, flags('SIOCSIFFLAGS'), ifreq], 'bring the loopback device up');
}

function dropBounding(b: PlanBuilder, keep: readonly string[]): void {
  const kept = capabilityMask(keep);
  CAPABILITIES.forEach((name, bit) => {
    if (kept & (1n << BigInt(bit))) return;
    // An older kernel does not know the newest ones.
    b.step('prctl', [flags('PR_CAPBSET_DROP'), num(bit, name), 0, 0, 0], `never have ${name}`, {
      tolerate: ['EINVAL'],
    });
  });
}

function setUser(b: PlanBuilder, config: OciConfig, rootless: boolean): void {
  const { uid, gid, additionalGids = [] } = config.process.user;
  b.step('prctl', [flags('PR_SET_KEEPCAPS'), 1, 0, 0, 0], 'keep capabilities while the user changes');
  if (!rootless) {
    const groups = b.data(words32(...additionalGids), 'groups');
    b.step('setgroups', [additionalGids.length, groups], 'have no groups but those of the container');
  }
  b.step('setresgid', [gid, gid, gid], `become group ${gid}`);
  b.step('setresuid', [uid, uid, uid], `become user ${uid}`);
}

/** capset(2): a header with version 3, then effective, permitted, inheritable for the low and the high 32 bits. */
function setCapabilities(b: PlanBuilder, sets: Record<CapabilitySet, string[]>): void {
  const masks = (['effective', 'permitted', 'inheritable'] as const).map((set) => capabilityMask(sets[set]));
  const low = masks.map((mask) => Number(mask & 0xffffffffn));
  const high = masks.map((mask) => Number(mask >> 32n));
  const header = b.data(words32(ABI.LINUX_CAPABILITY_VERSION_3, 0), '{version 3, self}');
  const data = b.data(words32(...low, ...high), `{${sets.effective.length} capabilities}`);
  b.step('capset', [header, data], 'keep only the capabilities of the container');
}
