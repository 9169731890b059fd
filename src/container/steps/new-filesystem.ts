/** Mounts of file systems that are made for the container (fsopen(2), fsconfig(2), fsmount(2)). Pure. */
import { type AbiName, flags } from '../../sys/abi.js';
import type { Label, PlanBuilder, StepOptions, Word } from '../../sys/plan.js';
import { configError } from '../config/parse-config.js';
import type { ContainerTree, Place, Trust } from './container-tree.js';
import { changeMount } from './mount-attributes.js';
import type { MountOptions } from './mount-options.js';

export interface NewFilesystem {
  type: string;
  source: string | undefined;
  options: MountOptions;
  /** `mounts[2]` */
  from: string;
  /** SELinux's, for all its files. */
  label?: string;
}

/** The kernel's own: whether such a one can be written is a matter of the mount alone, for it lies in no device. */
const OF_THE_KERNEL = new Set(['proc', 'sysfs', 'tmpfs', 'ramfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'devtmpfs']);

/** fsconfig(2) takes strings of at most 255 bytes; mount(2) takes a page of them, and a zero. */
const MAX_PARAMETER_BYTES = 255;
const MAX_DATA_BYTES = 4095;

/** Filled by the kernel, and trusted to be what they are: they must be mounted on an ordinary directory. */
export function isOfKernel(type: string | undefined): boolean {
  return type === 'proc' || type === 'sysfs';
}

export function trustOf({ type, options }: Pick<NewFilesystem, 'type' | 'options'>): Trust {
  // A proc with `subset=pid` lacks what others have.
  if (isOfKernel(type)) return options.data.length === 0 ? 'kernel' : 'other';
  return (type === 'tmpfs' || type === 'ramfs') && !options.copyUp ? 'fresh' : 'other';
}

interface Parameter {
  text: string;
  /** Among the mount's options. */
  index?: number;
}

/** Parameters of the file system: those that all have, if they are not the default, and its own. */
function parametersOf({ type, options, source, label }: NewFilesystem): Parameter[] {
  const common = options.superblock.filter((name) => !DEFAULTS.includes(name));
  return [
    ...(source === undefined || source === '' ? [] : [{ text: `source=${source}` }]),
    ...common.filter((name) => name !== 'ro' || !OF_THE_KERNEL.has(type)).map((text) => ({ text })),
    ...options.data,
    ...(label === undefined ? [] : [{ text: `context=${label}` }]),
  ];
}
const DEFAULTS = ['rw', 'async', 'nomand', 'nolazytime'];

/** proc and sysfs never: the path that it wants could be a link, and they must not lie behind one. */
export function needsOldCall(fs: NewFilesystem): boolean {
  if (isOfKernel(fs.type)) return false;
  return (
    fs.options.oldCallOnly.length > 0 ||
    fs.type.includes('.') || // a subtype: fuse.sshfs
    parametersOf(fs).some(({ text }) => Buffer.byteLength(text.slice(text.indexOf('=') + 1)) > MAX_PARAMETER_BYTES)
  );
}

/**
 * Makes the file system and a mount of it, attached nowhere yet, into `mounted`. `without`: attributes that it gets later.
 * `refused`: where a refusal of the kernel to make one goes on.
 */
export function makeFilesystem(
  b: PlanBuilder,
  fs: NewFilesystem,
  mounted: Word,
  { without = [], refused }: { without?: readonly AbiName[]; refused?: Label | undefined } = {},
): void {
  const context = b.word('fs');
  const { type, options, from } = fs;
  const common: StepOptions = {
    from,
    hint: `this kernel must have the file system ${type}, and let it be mounted here`,
    tolerate: refused && ['EPERM'],
    jump: refused,
  };
  b.step('fsopen', [b.str(type), flags('FSOPEN_CLOEXEC')], `begin a new ${type}`, { result: context, ...common });
  for (const parameter of parametersOf(fs)) setParameter(b, context, parameter, fs);
  b.step('fsconfig', [context, flags('FSCONFIG_CMD_CREATE'), 0, 0, 0], 'create it', common);
  const attributes = options.own.set.filter((attribute) => !without.includes(attribute));
  b.step(
    'fsmount',
    [context, flags('FSMOUNT_CLOEXEC'), attributes.length > 0 ? flags(...attributes) : 0],
    'make a mount of it',
    { result: mounted, ...common },
  );
}

export function setParameter(
  b: PlanBuilder,
  context: Word,
  { text, index }: Parameter,
  { type, from }: Pick<NewFilesystem, 'type' | 'from'>,
): void {
  const at = text.indexOf('=');
  const options: StepOptions = {
    from: index === undefined ? from : `${from}.options[${index}]`,
    hint: `${type} must know this option, and its value`,
  };
  const [command, key, value] =
    at < 0
      ? (['FSCONFIG_SET_FLAG', text, 0] as const)
      : (['FSCONFIG_SET_STRING', text.slice(0, at), b.str(text.slice(at + 1))] as const);
  b.step('fsconfig', [context, flags(command), b.str(key), value, 0], `with ${text}`, options);
}

const OLD_FLAGS: Record<string, AbiName> = {
  ro: 'MS_RDONLY',
  sync: 'MS_SYNCHRONOUS',
  dirsync: 'MS_DIRSYNC',
  mand: 'MS_MANDLOCK',
  lazytime: 'MS_LAZYTIME',
};

/**
 * The same by mount(2), for what only that can say. It wants a path: the place is made the working directory, and so "." is
 * the path. Error (`input`): the options are longer than the kernel takes.
 */
export function mountByOldCall(
  b: PlanBuilder,
  tree: ContainerTree,
  fs: NewFilesystem,
  path: string,
  place: Place,
): Word {
  const { type, source, options, from } = fs;
  const context = fs.label === undefined ? [] : [`context="${fs.label}"`];
  const data = [...options.data.map(({ text }) => text), ...context].join(',');
  if (Buffer.byteLength(data) > MAX_DATA_BYTES) {
    throw configError(`${from}.options`, `are longer than ${MAX_DATA_BYTES} bytes together`);
  }
  const how = [...options.superblock.flatMap((one) => OLD_FLAGS[one] ?? []), ...options.oldCallOnly];
  const target = place.name === '' ? place.at : tree.find(path, { directory: true });
  b.step('fchdir', [target], 'stand where it goes');
  const why = `mount a new ${type} there`;
  const words = [b.str(source || type), b.str('.'), b.str(type), how.length > 0 ? flags(...how) : 0];
  b.step('mount', [...words, data === '' ? 0 : b.str(data)], why, {
    from,
    hint: `this kernel must have the file system ${type}, and it must know these options`,
  });
  const mounted = tree.find(path, { directory: true, why: 'take hold of it' });
  const { set, clear } = options.own;
  if (set.length > 0)
    changeMount(b, mounted, { set, clear }, 'make it what its options say', { from: `${from}.options` });
  return mounted;
}
