/**
 * The file systems of a container as steps, in the order in which they are made. Everything is mounted through descriptors
 * (fsopen(2), fsmount(2), open_tree(2), move_mount(2)): a target is never looked up through a link that leads out of the
 * image. Pure.
 */
import { posix, resolve } from 'node:path';
import type { RootMount } from '../../storage/root-mount.js';
import { type AbiName, flags } from '../../sys/abi.js';
import { label, MAX_STEPS, type PlanBuilder, PlanTooLarge, type Word } from '../../sys/plan.js';
import { ValueChecks } from '../../sys/value-check.js';
import { configError } from '../config/parse-config.js';
import type { OciConfig, OciMount, OciNamespaceType } from '../config/schema.js';
import { hostAbilities } from '../host-abilities.js';
import { filesOfRoot } from '../layered-files.js';
import type { Situation } from '../situation.js';
import { changeTree, type Taken, takeSource } from './bind-mounts.js';
import { bindInstead, mountCgroups, type OwnCgroup } from './cgroup-mounts.js';
import { ContainerTree, cleanPath, type Place, splitPath } from './container-tree.js';
import { DeviceSteps, type NodeWay } from './device-steps.js';
import { missing } from './label-steps.js';
import { PathCovers } from './masked-paths.js';
import { changeMount, changesOf } from './mount-attributes.js';
import { IdMaps } from './mount-id-maps.js';
import { type MountOptions, readMountOptions } from './mount-options.js';
import {
  isOfKernel,
  makeFilesystem,
  mountByOldCall,
  type NewFilesystem,
  needsOldCall,
  setParameter,
  trustOf,
} from './new-filesystem.js';
import { isMadeByParent, type MadeRoot, makeRoot } from './root-mount-steps.js';
import { enterRoot, leaveHostAlone, mountRoot, type RootPlan, rootPlan, unmountRoot } from './root-steps.js';
import { copyUp, takeBelow } from './tmp-copy-up.js';

/** An entry of config.mounts with what its options mean. */
interface Mount {
  entry: OciMount;
  index: number;
  /** `mounts[2]` */
  from: string;
  path: string;
  options: MountOptions;
}

/** In a user namespace without the other one, a new file system is refused; then the host's is shown. */
const HOSTS_OWN: Record<string, { path: string; namespace: OciNamespaceType }> = {
  sysfs: { path: '/sys', namespace: 'network' },
  mqueue: { path: '/dev/mqueue', namespace: 'ipc' },
  proc: { path: '/proc', namespace: 'pid' },
};

export class MountSteps {
  private readonly mounts: Mount[];
  private readonly types: Set<OciNamespaceType>;
  private readonly inUserNamespace: boolean;
  private readonly root: RootPlan;
  private readonly tree: ContainerTree;
  private readonly checks: ValueChecks;
  private readonly idMaps: IdMaps;
  /** The root, when the parent made it. */
  private made: MadeRoot | undefined;
  /** Sources of bind mounts, by their entry's index. */
  private readonly taken = new Map<number, Taken>();
  /** File systems that become read-only when all is in them. */
  private readonly finallyReadOnly: Word[] = [];

  constructor(
    private readonly b: PlanBuilder,
    private readonly config: OciConfig,
    private readonly situation: Situation,
    private readonly cgroups: readonly OwnCgroup[],
    /** What the root is made of, where it is not the directory of the configuration. */
    private readonly rootMount?: RootMount,
  ) {
    this.types = new Set(config.linux.namespaces.map(({ type }) => type));
    this.inUserNamespace =
      this.types.has('user') || situation.rootless !== undefined || situation.inUserNamespace === true;
    const { isOwnNamespace, labels } = situation.host ?? hostAbilities;
    if (config.linux.mountLabel && !labels().selinux) throw missing('linux.mountLabel', 'SELinux');
    this.root = rootPlan(config, this.fromBundle(config.root.path), situation.noPivot === true, isOwnNamespace);
    const exclusive = this.root.way !== 'chroot';
    const files = situation.files && rootMount ? filesOfRoot(situation.files, rootMount) : situation.files;
    this.tree = new ContainerTree(b, { rootPath: this.root.path, exclusive, files });
    this.checks = new ValueChecks(b);
    this.idMaps = new IdMaps(b, config);
    // Each takes a step at least: no sense in reading a hundred thousand first.
    if (config.mounts.length > MAX_STEPS) throw new PlanTooLarge(`a plan has at most ${MAX_STEPS} steps`);
    this.mounts = config.mounts.map((entry, index) => this.read(entry, index));
  }

  private fromBundle(path: string): string {
    return path.startsWith('/') ? path : resolve(this.situation.bundle ?? '.', path);
  }

  /**
   * In the parent, before the clone. Sources of a container with a user namespace are taken by who may reach them and map ids
   * in them; and a root among the caller's own mounts must be in the hands of who takes it away again.
   */
  beforeClone(): void {
    const { fromHost, sharesWithHost, inherited } = this.root;
    const mapsIds = this.types.has('user') && !this.situation.rootless;
    if (inherited) {
      this.takeSources();
      this.tree.hold('/', mountRoot(this.b, this.root, this.makeRoot(mapsIds)), 'other');
      return;
    }
    if (mapsIds) this.takeSources(sharesWithHost ? undefined : fromHost);
    if (this.rootMount && isMadeByParent(this.rootMount, mapsIds)) this.made = this.makeRoot(mapsIds);
  }

  private makeRoot(mapsIds: boolean): MadeRoot | undefined {
    const { rootMount, config } = this;
    if (!rootMount) return undefined;
    const idmap = mapsIds ? this.idMaps.ofRoot() : undefined;
    return makeRoot(this.b, rootMount, { idmap, label: config.linux.mountLabel });
  }

  /** In the child: all that is mounted and made, up to the hooks that see it together with the host's root. */
  mount(): void {
    const { b, root } = this;
    b.step('umask', [0], 'what is made gets exactly the modes that are asked for');
    if (!root.inherited) {
      if (root.sharesWithHost) this.takeSources();
      if (root.way !== 'chroot') leaveHostAlone(b, root);
      this.takeSources();
      this.tree.hold('/', mountRoot(b, root, this.made ?? this.makeRoot(false)), 'other');
    }
    for (const mount of this.mounts) this.one(mount);
    const devices = new DeviceSteps(b, this.tree, this.checks);
    devices.make(this.config.linux.devices, this.nodeWay, !this.devIsBound);
  }

  /** Behind those hooks: covers, and what is read-only. */
  finish(): void {
    const { b, tree, config } = this;
    const how = { kernelPaths: this.situation.kernelPaths, ownNull: this.ownNull };
    const covers = new PathCovers(b, tree, this.checks, how);
    covers.mask(config.linux.maskedPaths);
    covers.readonly(config.linux.readonlyPaths);
    for (const one of this.finallyReadOnly) changeMount(b, one, { set: ['MOUNT_ATTR_RDONLY'] }, 'now it is read-only');
    if (config.root.readonly) changeMount(b, tree.root, { set: ['MOUNT_ATTR_RDONLY'] }, 'with MOUNT_ATTR_RDONLY');
  }

  pivot(): void {
    enterRoot(this.b, this.root, this.tree.root);
  }

  /** In the parent, when the container has ended. */
  after(): void {
    if (this.root.inherited) unmountRoot(this.b, this.tree.root);
  }

  /** A descriptor of a directory of the container, for a terminal. */
  directory(path: string): Word {
    return this.tree.heldAt(path)?.word ?? this.tree.find(path, { directory: true });
  }

  private get devIsBound(): boolean {
    return this.mounts.some(({ path, options }) => path === '/dev' && options.bind !== 'no');
  }

  private get nodeWay(): NodeWay {
    return this.inUserNamespace ? 'shown' : this.situation.inContainer ? 'unsure' : 'made';
  }

  /** /dev/null was made by the plan, in a file system that nobody else can reach. */
  private get ownNull(): boolean {
    const asked = this.config.linux.devices.find(({ path }) => cleanPath(path) === '/dev/null');
    const isNull = !asked || (asked.type !== 'b' && asked.major === 1 && asked.minor === 3);
    return isNull && !this.devIsBound && this.tree.isFresh('/dev/null') && !this.tree.heldAt('/dev/null');
  }

  /** Error (`input`): what kind of mount it is cannot be told. */
  private read(entry: OciMount, index: number): Mount {
    const options = readMountOptions(entry.options);
    if (entry.type === 'bind' && options.bind === 'no') options.bind = 'one';
    const mount = { entry, index, from: `mounts[${index}]`, path: cleanPath(entry.destination), options };
    if (options.bind === 'no' && !changesWhatIsThere(mount) && [undefined, '', 'none'].includes(entry.type)) {
      throw configError(`mounts[${index}].type`, 'must name a file system, or an option must say bind or rbind');
    }
    return mount;
  }

  private takeSources(propagation?: 'MS_SLAVE' | 'MS_PRIVATE'): void {
    const { b, situation } = this;
    for (const { entry, index, options } of this.mounts) {
      if (options.bind === 'no' || options.remount || this.taken.has(index)) continue;
      const source = entry.source && this.fromBundle(entry.source);
      const how = { source, files: situation.files, idMaps: this.idMaps, propagation };
      this.taken.set(index, takeSource(b, entry, index, options, how));
    }
  }

  private one(mount: Mount): void {
    const { b, tree } = this;
    const { entry, index, from, path, options } = mount;
    const taken = this.taken.get(index);
    if (taken) {
      const place = tree.place(path, taken.kind, { from });
      tree.attach(taken.tree, place, `mount it at ${path}`, { from, hint: placeHint(mount) });
      tree.hold(place.path, taken.tree, 'other');
    } else if (changesWhatIsThere(mount)) this.change(mount);
    else if (entry.type === 'cgroup') {
      const how = { cgroups: this.cgroups, namespaced: this.types.has('cgroup'), mayBeRefused: this.inUserNamespace };
      const late = mountCgroups(b, tree, path, entry, from, options, how);
      if (late) this.finallyReadOnly.push(late);
    } else this.filesystem(mount, entry.type ?? '');
  }

  private filesystem(mount: Mount, type: string): void {
    const { b, tree } = this;
    const { entry, from, path, options } = mount;
    const fs: NewFilesystem = { type, source: entry.source, options, from };
    const ordinary = isOfKernel(type); // their files have labels of their own, too
    const label = ordinary ? undefined : this.config.linux.mountLabel;
    if (label) fs.label = label;
    const takesMode = type === 'tmpfs' && modeOf(options) === undefined;
    const place = tree.place(path, 'directory', { from, ordinary, looks: takesMode || splitPath(path).parent !== '/' });
    // As runc does: who mounts over /tmp wants what /tmp was.
    if (takesMode && place.known?.kind) options.data.push({ text: `mode=${place.known.mode?.toString(8)}` });
    const below = type === 'tmpfs' && options.copyUp && this.hasFiles(place) ? takeBelow(b, place) : undefined;
    const late = IN_MEMORY.includes(type) && options.own.set.includes('MOUNT_ATTR_RDONLY');
    const mounted = this.mountNew(mount, fs, place, late ? ['MOUNT_ATTR_RDONLY'] : []);
    if (below) copyUp(b, this.checks, below, mounted, modeOf(options), from);
    if (late) this.finallyReadOnly.push(mounted);
    tree.hold(place.path, mounted, this.mayBeHostsOwn(type) ? 'other' : trustOf(fs));
  }

  /** Makes it and attaches it. */
  private mountNew(mount: Mount, fs: NewFilesystem, place: Place, without: AbiName[]): Word {
    const { b, tree } = this;
    const { entry, index, from, path, options } = mount;
    const idmap = this.idMaps.of(entry, index, options);
    if (needsOldCall(fs)) {
      const mounted = mountByOldCall(b, tree, fs, path, place);
      changeTree(b, mounted, from, changesOf(options, idmap, true));
      return mounted;
    }
    const mounted = b.word(path);
    const hosts = this.mayBeHostsOwn(fs.type) ? HOSTS_OWN[fs.type] : undefined;
    const refused = hosts && label('no new one is allowed');
    makeFilesystem(b, fs, mounted, { without, refused });
    changeTree(b, mounted, from, changesOf(options, idmap, true));
    const at = { from, hint: placeHint(mount) };
    const done = refused && label(`${path} is mounted`);
    tree.attach(mounted, place, `mount it at ${path}`, { ...at, jump: done, jumpOn: done && 'zero' });
    if (refused && done) {
      b.place(refused);
      bindInstead(b, hosts.path, mounted, options, from);
      tree.attach(mounted, place, `and show it at ${path}`, at);
      b.place(done);
    }
    return mounted;
  }

  private mayBeHostsOwn(type: string): boolean {
    const hosts = HOSTS_OWN[type];
    return this.inUserNamespace && hosts !== undefined && !this.types.has(hosts.namespace);
  }

  /** `remount`, and options that only change how events spread. */
  private change({ entry, from, path, options }: Mount): void {
    const { b, tree } = this;
    const target = tree.find(path, { from, hint: `there is nothing at ${path} that could be changed` });
    const parameters = [...options.superblock.map((text) => ({ text })), ...options.data];
    if (options.remount && options.bind === 'no' && parameters.length > 0) {
      const context = b.word('fs');
      const how = flags('FSPICK_CLOEXEC', 'FSPICK_EMPTY_PATH');
      b.step('fspick', [target, b.str(''), how], 'take its file system', { result: context, from });
      const type = entry.type ?? 'what is mounted there';
      for (const parameter of parameters) setParameter(b, context, parameter, { type, from });
      b.step('fsconfig', [context, flags('FSCONFIG_CMD_RECONFIGURE'), 0, 0, 0], 'change it', { from });
    }
    changeTree(b, target, from, changesOf(options));
  }

  /** False where it is known that there is nothing to copy. */
  private hasFiles({ known }: Place): boolean {
    if (!known || !this.situation.files) return true;
    if (this.rootMount && this.rootMount.kind !== 'directory') return true;
    return known.kind === 'directory' && !this.situation.files.isEmpty(posix.join(this.root.path, known.path));
  }
}

/** Their content is the container's alone: what is below them must be mounted before they become read-only. */
const IN_MEMORY = ['tmpfs', 'ramfs'];

function changesWhatIsThere({ entry, options }: Pick<Mount, 'entry' | 'options'>): boolean {
  if (options.remount) return true;
  const named = entry.type !== undefined && entry.type !== '' && entry.type !== 'none';
  return !named && options.bind === 'no' && options.propagation.length > 0 && options.data.length === 0;
}

/** The value of the option `mode`. What it may be, the file system knows. */
function modeOf({ data }: MountOptions): string | undefined {
  return data.findLast(({ text }) => text.startsWith('mode='))?.text.slice('mode='.length);
}

function placeHint({ path, entry }: Mount): string {
  const kind = isOfKernel(entry.type) ? 'a directory, not a link or a file,' : 'what fits it';
  return `the image must have ${kind} at ${path}, or a place to make it`;
}
