/**
 * Device nodes of a container and the links beside them (config-linux.md, "Devices", "Default Devices", "Dev symbolic links").
 * Where nodes cannot be made, in a user namespace, the host's are shown in their place. Pure.
 */
import { ABI, type AbiName, type Errno, flags } from '../../sys/abi.js';
import { nofollowFlags } from '../../sys/nofollow-flags.js';
import { num } from '../../sys/num.js';
import { type Addr, type Label, label, type PlanBuilder, type Word } from '../../sys/plan.js';
import type { ValueChecks } from '../../sys/value-check.js';
import { configError } from '../config/parse-config.js';
import type { OciDevice } from '../config/schema.js';
import { type ContainerTree, cleanPath, splitPath } from './container-tree.js';
import { verifyNode } from './verify-node.js';

/** `unsure`: they are made, and where that is refused (EPERM), shown. */
export type NodeWay = 'made' | 'shown' | 'unsure';

const DEFAULT_DEVICES: [string, number, number][] = [
  ['/dev/null', 1, 3],
  ['/dev/zero', 1, 5],
  ['/dev/full', 1, 7],
  ['/dev/random', 1, 8],
  ['/dev/urandom', 1, 9],
  ['/dev/tty', 5, 0],
];

const LINKS: [string, string][] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/ptmx', 'pts/ptmx'],
];

interface Node {
  path: string;
  /** `linux.devices[2]`; a default device has none. */
  from: string | undefined;
  type: 'c' | 'b' | 'p';
  major: number;
  minor: number;
  mode: number;
  uid: number | undefined;
  gid: number | undefined;
}

const TYPE_BITS = { c: ABI.S_IFCHR, b: ABI.S_IFBLK, p: ABI.S_IFIFO };

/** The devices that were asked for, and the default ones that were not. Error (`input`): one has no number. */
export function nodesOf(devices: readonly OciDevice[]): Node[] {
  const nodes = devices.map(nodeOf);
  for (const [path, major, minor] of DEFAULT_DEVICES) {
    if (nodes.some((node) => node.path === path)) continue;
    nodes.push({ path, from: undefined, type: 'c', major, minor, mode: 0o666, uid: undefined, gid: undefined });
  }
  return nodes;
}

function nodeOf(device: OciDevice, index: number): Node {
  const { type, major, minor, fileMode = 0o666, uid, gid } = device;
  const from = `linux.devices[${index}]`;
  if (type !== 'p') {
    checkNumber(`${from}.major`, major, 0xfff);
    checkNumber(`${from}.minor`, minor, 0xfffff);
  }
  const mode = fileMode & 0o7777;
  const kind = type === 'u' ? 'c' : type;
  return { path: cleanPath(device.path), from, type: kind, major: major ?? 0, minor: minor ?? 0, mode, uid, gid };
}

function checkNumber(path: string, value: number | undefined, greatest: number): void {
  if (value === undefined) throw configError(path, 'is needed for a device that is no FIFO');
  if (value < 0 || value > greatest) throw configError(path, `is no device number: 0 to ${greatest}`);
}

export class DeviceSteps {
  private readonly directories = new Map<string, Word>();
  /** Names that are there already. */
  private readonly made = new Set<string>();

  constructor(
    private readonly b: PlanBuilder,
    private readonly tree: ContainerTree,
    private readonly checks: ValueChecks,
  ) {}

  /** `setsUpDev`: false leaves /dev alone. */
  make(devices: readonly OciDevice[], way: NodeWay, setsUpDev: boolean): void {
    // What the configuration mounts at such a path is there in its place: /dev/urandom at /dev/random.
    const wanted = (path: string) => (setsUpDev || !path.startsWith('/dev/')) && !this.tree.heldAt(path);
    const nodes = nodesOf(devices).filter(({ path }) => wanted(path));
    const links = setsUpDev ? LINKS.filter(([path]) => wanted(path)) : [];
    if (way !== 'unsure' || !setsUpDev) {
      for (const node of nodes) this.node(node, way);
      for (const link of links) this.link(link);
      return;
    }
    const [refused, there] = [label('nodes are refused'), label('nodes are there')];
    for (const link of links.slice(0, -1)) this.link(link);
    for (const node of nodes) this.node(node, 'made', refused);
    // A link is the way past the rest: its result, 0, goes on behind it.
    const [last] = links.slice(-1);
    if (last) this.link(last, there);
    this.b.place(refused);
    for (const node of nodes) this.node(node, 'shown');
    if (last) this.link(last);
    this.b.place(there);
  }

  private node(node: Node, way: NodeWay, refused?: Label): void {
    // A FIFO is no device: anybody can make one.
    if (way === 'shown' && node.type !== 'p') this.show(node);
    else if (this.isNew(node.path)) this.makeNew(node, refused);
    else this.makeOrVerify(node, refused);
    this.made.add(node.path);
  }

  /** A name is new in a file system of the plan's own in which nothing has it yet. */
  private isNew(path: string): boolean {
    return this.tree.isFresh(path) && !this.made.has(path);
  }

  private makeNew(node: Node, refused: Label | undefined): void {
    const { at, name } = this.mknod(node, refused && ['EPERM'], refused);
    this.own(node, [at, name], 'AT_SYMLINK_NOFOLLOW');
  }

  /** config-linux.md: a file that is there already must be that device, or the runtime must say so. */
  private makeOrVerify(node: Node, refused: Label | undefined): void {
    const { b } = this;
    const { from } = node;
    const { at, name } = this.mknod(node, refused ? ['EEXIST', 'EPERM'] : ['EEXIST'], undefined);
    const found = b.word(node.path);
    const open = nofollowFlags(b.arch, 'O_PATH', 'O_CLOEXEC');
    b.step('openat', [at, name, open], 'hold it; what is there may be the image’s', {
      result: found,
      from,
      tolerate: refused && ['ENOENT'],
      jump: refused,
    });
    verifyNode(b, this.checks, found, node, { from });
    this.own(node, [found, b.str('')], 'AT_EMPTY_PATH');
  }

  private mknod(node: Node, tolerate: Errno[] | undefined, jump: Label | undefined): { at: Word; name: Addr } {
    const { path, type, mode, from } = node;
    const at = this.directoryOf(path);
    const name = this.b.str(splitPath(path).name);
    const bits = num(TYPE_BITS[type] | mode, `${type}${mode.toString(8)}`);
    const number = type === 'p' ? 0 : num(makedev(node.major, node.minor), `${node.major}:${node.minor}`);
    const hint = 'making nodes takes CAP_MKNOD, and a device cgroup that lets one';
    this.b.step('mknodat', [at, name, bits, number], `make ${path}`, { from, hint, tolerate, jump });
    return { at, name };
  }

  private own({ path, uid, gid, from }: Node, at: [Word, Addr], how: AbiName): void {
    if (uid === undefined && gid === undefined) return;
    const ids = [uid, gid].map((id) => num(id ?? -1n));
    this.b.step('fchownat', [...at, ...ids, flags(how)], `give ${path} to its owner`, { from });
  }

  private show(node: Node): void {
    const { b, tree } = this;
    const { path, from } = node;
    const place = tree.place(path, 'file', { from });
    const shown = b.word('node');
    const how = flags('OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC');
    b.step('open_tree', [flags('AT_FDCWD'), b.str(path), how], `take the host's ${path}`, {
      result: shown,
      from,
      hint: 'where no node can be made, the host must have it at the same path',
    });
    // The host's default devices are what their names say.
    if (from !== undefined && !isDefault(node)) verifyNode(b, this.checks, shown, node, { from });
    tree.attach(shown, place, 'and show it here', { from });
  }

  private link([path, target]: readonly [string, string], there?: Label): void {
    const { b } = this;
    const { name } = splitPath(path);
    b.step('symlinkat', [b.str(target), this.directoryOf(path), b.str(name)], `link ${path} to ${target}`, {
      tolerate: this.isNew(path) ? undefined : ['EEXIST'],
      jump: there,
      jumpOn: there && 'zero',
    });
  }

  private directoryOf(path: string): Word {
    const directory = splitPath(path).parent;
    const known = this.directories.get(directory);
    if (known) return known;
    const seen = this.tree.lookInImage(directory);
    const word = this.tree.directory(seen?.path ?? directory, seen);
    this.directories.set(directory, word);
    return word;
  }
}

function isDefault({ path, type, major, minor }: Node): boolean {
  return type === 'c' && DEFAULT_DEVICES.some((one) => one[0] === path && one[1] === major && one[2] === minor);
}

/** makedev(3) for the 32-bit device numbers of mknod(2). */
function makedev(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}
