/**
 * The mount options of a configuration and what they mean to the kernel: config.md, "Linux mount options"; mount(8),
 * mount_setattr(2). An option that is not known here is data for the file system, as mount(8) has it. Pure.
 */
import type { AbiName } from '../../sys/abi.js';

/** Attributes that a mount gets and loses; of one field (`MOUNT_ATTR__ATIME`) the old value is lost when a new one is set. */
export interface AttributeChange {
  set: AbiName[];
  clear: AbiName[];
}

export interface Propagation {
  as: AbiName;
  recursive: boolean;
}

type Width = 'no' | 'one' | 'tree';

export interface MountOptions {
  bind: Width;
  /** What is mounted there already is changed. */
  remount: boolean;
  /** Of the mount itself. */
  own: AttributeChange;
  /** Of it and of all that is mounted below it. */
  tree: AttributeChange;
  propagation: Propagation[];
  /** Parameters that every file system has, by the names that fsconfig(2) knows: `ro`, `async`. */
  superblock: string[];
  /** Flags that only mount(2) can pass to a file system. */
  oldCallOnly: AbiName[];
  idmap: Width;
  copyUp: boolean;
  /** All others, with their index in the configuration. */
  data: { index?: number; text: string }[];
}

interface Meaning {
  /** An attribute of the mount. These, and propagation, have twins with an `r` before them, for the whole tree. */
  set?: AbiName;
  clear?: AbiName;
  /** A parameter of the file system, by the one that it is or takes back. */
  superblock?: string;
  propagation?: AbiName;
  /** A flag of mount(2) alone, and whether it is set. */
  oldCall?: AbiName;
  on?: boolean;
  bind?: Width;
  idmap?: Width;
  remount?: true;
  copyUp?: true;
}

const ATIME: AbiName = 'MOUNT_ATTR__ATIME';

const MEANINGS = new Map<string, Meaning>(
  Object.entries({
    defaults: {},
    ro: { set: 'MOUNT_ATTR_RDONLY', superblock: 'ro' },
    rw: { clear: 'MOUNT_ATTR_RDONLY', superblock: 'ro' },
    nosuid: { set: 'MOUNT_ATTR_NOSUID' },
    suid: { clear: 'MOUNT_ATTR_NOSUID' },
    nodev: { set: 'MOUNT_ATTR_NODEV' },
    dev: { clear: 'MOUNT_ATTR_NODEV' },
    noexec: { set: 'MOUNT_ATTR_NOEXEC' },
    exec: { clear: 'MOUNT_ATTR_NOEXEC' },
    nodiratime: { set: 'MOUNT_ATTR_NODIRATIME' },
    diratime: { clear: 'MOUNT_ATTR_NODIRATIME' },
    nosymfollow: { set: 'MOUNT_ATTR_NOSYMFOLLOW' },
    symfollow: { clear: 'MOUNT_ATTR_NOSYMFOLLOW' },
    noatime: { set: 'MOUNT_ATTR_NOATIME' },
    strictatime: { set: 'MOUNT_ATTR_STRICTATIME' },
    relatime: { set: 'MOUNT_ATTR_RELATIME' },
    // Without the one, the kernel's default is in force, and that is relatime.
    atime: { clear: ATIME },
    nostrictatime: { clear: ATIME },
    norelatime: { clear: ATIME },
    sync: { superblock: 'sync' },
    async: { superblock: 'sync' },
    dirsync: { superblock: 'dirsync' },
    mand: { superblock: 'mand' },
    nomand: { superblock: 'mand' },
    lazytime: { superblock: 'lazytime' },
    nolazytime: { superblock: 'lazytime' },
    silent: { oldCall: 'MS_SILENT', on: true },
    loud: { oldCall: 'MS_SILENT', on: false },
    iversion: { oldCall: 'MS_I_VERSION', on: true },
    noiversion: { oldCall: 'MS_I_VERSION', on: false },
    shared: { propagation: 'MS_SHARED' },
    slave: { propagation: 'MS_SLAVE' },
    private: { propagation: 'MS_PRIVATE' },
    unbindable: { propagation: 'MS_UNBINDABLE' },
    bind: { bind: 'one' },
    rbind: { bind: 'tree' },
    idmap: { idmap: 'one' },
    ridmap: { idmap: 'tree' },
    remount: { remount: true },
    tmpcopyup: { copyUp: true },
  }),
);

/** The names that this runtime gives a meaning, for `features` (features.md, "mountOptions"). */
export function mountOptionNames(): string[] {
  const twins = [...MEANINGS].filter(([, meaning]) => hasTwin(meaning)).map(([name]) => `r${name}`);
  return [...MEANINGS.keys(), ...twins].sort();
}

export function readMountOptions(names: readonly string[]): MountOptions {
  const options: MountOptions = {
    bind: 'no',
    remount: false,
    own: { set: [], clear: [] },
    tree: { set: [], clear: [] },
    propagation: [],
    superblock: [],
    oldCallOnly: [],
    idmap: 'no',
    copyUp: false,
    data: [],
  };
  names.forEach((text, index) => {
    const meaning = MEANINGS.get(text);
    const twin = !meaning && text.startsWith('r') ? MEANINGS.get(text.slice(1)) : undefined;
    if (meaning) apply(options, text, meaning);
    else if (twin && hasTwin(twin)) change(options.tree, options.propagation, twin, true);
    else if (text !== '') options.data.push({ index, text });
  });
  return options;
}

function hasTwin({ set, clear, propagation }: Meaning): boolean {
  return set !== undefined || clear !== undefined || propagation !== undefined;
}

/** The later of two that differ counts; of two widths the wider one. */
function apply(options: MountOptions, text: string, meaning: Meaning): void {
  const { superblock, oldCall, bind, idmap } = meaning;
  change(options.own, options.propagation, meaning, false);
  if (superblock !== undefined) {
    const others = options.superblock.filter((name) => MEANINGS.get(name)?.superblock !== superblock);
    options.superblock = [...others, text];
  }
  if (oldCall !== undefined) {
    options.oldCallOnly = options.oldCallOnly.filter((flag) => flag !== oldCall);
    if (meaning.on) options.oldCallOnly.push(oldCall);
  }
  if (bind && options.bind !== 'tree') options.bind = bind;
  if (idmap && options.idmap !== 'tree') options.idmap = idmap;
  if (meaning.remount) options.remount = true;
  if (meaning.copyUp) options.copyUp = true;
}

function change(
  to: AttributeChange,
  propagation: Propagation[],
  { set, clear, propagation: as }: Meaning,
  recursive: boolean,
) {
  if (as) propagation.push({ as, recursive });
  const attribute = set ?? clear;
  if (!attribute) return;
  const field = fieldOf(attribute);
  const others = (name: AbiName) => fieldOf(name) !== field;
  to.set = to.set.filter(others);
  to.clear = to.clear.filter(others);
  if (set) to.set.push(set);
  // A value of a field replaces the old one, and so the field is cleared with it (mount_setattr(2), "MOUNT_ATTR__ATIME").
  if (clear || field === ATIME) to.clear.push(field);
}

function fieldOf(attribute: AbiName): AbiName {
  return attribute.endsWith('ATIME') && attribute !== 'MOUNT_ATTR_NODIRATIME' ? ATIME : attribute;
}
