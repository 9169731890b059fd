/**
 * The namespaces of a container as steps: which are new, which are joined, in which order (namespaces(7), clone(2),
 * setns(2)). Pure.
 *
 * New ones come with the clone, and joined ones are entered by the child. Three kinds are entered by what is cloned next
 * instead: a pid namespace, a time namespace that is new, and a user namespace that is joined, since the new ones must
 * belong to it. Then a go-between is cloned first. It enters them and clones the container's first process as its own
 * sibling (CLONE_PARENT), so that the performer stays where it is and is the parent all the same.
 */
import { ABI, type AbiName, flags } from '../../sys/abi.js';
import { type Cloned, type CloneOptions, cloneProcess } from '../../sys/clone.js';
import { type Label, label, type PlanBuilder, type Word } from '../../sys/plan.js';
import type { JoinedNamespace, Namespaces } from '../config/namespaces.js';
import type { OciConfig, OciNamespaceType } from '../config/schema.js';
import { becomeRoot, mapOwnIds, newTimeNamespace, rootMapped } from './id-map-steps.js';

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

export interface NamespaceSteps {
  /** Of the network namespace that is joined, in the parent and in the child. */
  network: Word | undefined;
  /** In the parent: holds what is joined and prepares the clone; `toParent` of the result adds it. */
  create(options: Pick<CloneOptions, 'intoCgroup'> & { pid: Word }): Cloned;
  /** In the parent, before anything else behind the clone: with a go-between, the child is known only now. */
  adopt(): void;
  /** In the child, when the maps that others write are there. */
  enter(): void;
  /** In the child, after it has joined its cgroup. */
  enterCgroup(): void;
}

export interface NamespaceOptions {
  config: OciConfig;
  namespaces: Namespaces;
  /** The runtime has no privileges but over its own user. */
  rootless: boolean;
  /** The clone puts the child into its cgroup; otherwise it joins later, and its cgroup namespace must begin after that. */
  clonesIntoCgroup: boolean;
}

type Held = JoinedNamespace & { fd: Word };

/** The mount namespace comes last: the host's /proc is in the one that is left. */
const ORDER: OciNamespaceType[] = ['network', 'ipc', 'uts', 'cgroup', 'pid', 'time', 'mount'];

export function namespaceSteps(b: PlanBuilder, options: NamespaceOptions): NamespaceSteps {
  const { config, namespaces, rootless } = options;
  const { created, joined, isNew, maps } = namespaces;
  const held: Held[] = joined.map((one) => ({ ...one, fd: b.word(`${one.type} namespace`) }));
  const joins = (type: OciNamespaceType) => held.some((one) => one.type === type);
  const viaGoBetween =
    joins('user') || joins('pid') || joins('time') || isNew('time') || (isNew('user') && held.length > 0 && !rootless); // the host's privileges over what is joined end there
  // Without privileges of its own, only the root of the new user namespace may make a time namespace.
  const userFirst = rootless && isNew('user') && isNew('time');
  const unsharesCgroup = isNew('cgroup') && !options.clonesIntoCgroup;
  const withClone = created.filter(
    (type) => type !== 'time' && !(type === 'cgroup' && unsharesCgroup) && !(type === 'user' && userFirst),
  );
  const clone = {
    namespaces: withClone.map((type) => CLONE_FLAGS[type]),
    why: `create the container's first process in ${withClone.length} new namespaces`,
    hint: isNew('user')
      ? 'unprivileged user namespaces may be switched off here: see `vlab doctor`'
      : 'creating namespaces needs root; see `vlab doctor`',
  };
  const between = viaGoBetween ? goBetween(b) : undefined;

  /** Privileges over what is joined are the host's, if it has any, and otherwise those in the joined user namespace. */
  const enterJoined = () => {
    for (const type of rootless ? (['user', ...ORDER] as const) : ([...ORDER, 'user'] as const)) {
      if (type === 'mount' && isNew('time')) newTimeNamespace(b, config.linux.timeOffsets);
      for (const one of held) if (one.type === type) enterOne(b, one);
    }
  };

  return {
    network: held.find(({ type }) => type === 'network')?.fd,
    create({ pid, intoCgroup = false }) {
      for (const { type, path, fd, from } of held) {
        const how = flags('O_RDONLY', 'O_CLOEXEC');
        b.step('openat', [flags('AT_FDCWD'), b.str(path), how], `hold the ${type} namespace to join`, {
          result: fd,
          from,
        });
      }
      if (!between) return cloneProcess(b, { ...clone, pid, intoCgroup, borrowsMemory: true });
      return between.create({
        pid,
        first: {
          namespaces: userFirst ? ['CLONE_NEWUSER'] : [],
          intoCgroup,
          borrowsMemory: !joins('time'), // setns(2): a time namespace is joined by who shares no memory
          hint: clone.hint,
        },
        enterJoined,
        // A process with a memory of its own enters a time namespace when it is cloned; one on borrowed memory at its exec, on
        // kernels that allow such a clone.
        second: { ...clone, borrowsMemory: !joins('time') && !isNew('time') },
      });
    },
    adopt: () => between?.adopt(),
    enter() {
      if (maps === 'own') mapOwnIds(b, config);
      else if (maps === 'outside') becomeRoot(b, rootMapped(config));
      else if (joins('user')) becomeRoot(b, 'unknown');
      if (!between) enterJoined();
    },
    enterCgroup() {
      if (unsharesCgroup)
        b.step('unshare', [flags('CLONE_NEWCGROUP')], 'see its own cgroups as the roots of the trees');
    },
  };
}

function enterOne(b: PlanBuilder, { type, path, fd, from }: Held): void {
  b.step('setns', [fd, flags(CLONE_FLAGS[type])], `join the ${type} namespace`, {
    from,
    hint: `${path} must be a ${type} namespace that vlab has privileges over`,
  });
}

interface GoBetween {
  create(steps: { pid: Word; first: Omit<CloneOptions, 'why'>; enterJoined: () => void; second: CloneOptions }): Cloned;
  adopt(): void;
}

/** A process that enters namespaces and clones another as its sibling into them. The parent learns of that one when it ends. */
export function goBetween(b: PlanBuilder): GoBetween {
  let ends: { first: Cloned; pid: Word; pidfd: Word } | undefined;
  return {
    create({ pid, first, enterJoined, second }) {
      const made = cloneProcess(b, { ...first, why: 'create a go-between, to enter what is joined' });
      const next = cloneProcess(b, { ...second, pid, sibling: true });
      const pidfd = b.word('pidfd');
      ends = { first: made, pid, pidfd };
      return {
        ...made,
        pid: { ...pid, kind: 'w32' },
        pidfd: { ...pidfd, kind: 'w32' },
        toParent(target: Label) {
          const inside = label('inside');
          made.toParent(target);
          enterJoined();
          next.toChild(inside);
          b.step('exit_group', [0], 'the go-between has done its part');
          b.place(inside);
        },
      };
    },
    adopt() {
      if (!ends) throw new RangeError('the go-between was never made');
      const { first, pid, pidfd } = ends;
      b.step('waitid', [flags('P_PIDFD'), first.pidfd, 0, flags('WEXITED'), 0], 'wait for the go-between', {
        retryOnEintr: true,
      });
      b.step('pidfd_open', [{ ...pid, kind: 'w32' }, 0], "hold the container's first process", { result: pidfd });
    },
  };
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
