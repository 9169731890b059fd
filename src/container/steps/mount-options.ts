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

export interface MountOptions {
  bind: 'no' | 'one' | 'tree';
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
  idmap: 'no' | 'one' | 'tree';
  copyUp: boolean;
  /** All others, with their index in the configuration. */
  data: { index?: number; text: string }[];
}

type Effect = (to: Collected) => void;
interface Collected {
  options: MountOptions;
  own: Map<string, Setting>;
  tree: Map<string, Setting>;
  superblock: Map<string, string>;
}
interface Setting {
  attribute: AbiName;
  on: boolean;
}

const ATIME: AbiName = 'MOUNT_ATTR__ATIME';
const ATIME_VALUES: AbiName[] = ['MOUNT_ATTR_RELATIME', 'MOUNT_ATTR_NOATIME', 'MOUNT_ATTR_STRICTATIME'];
const fieldOf = (attribute: AbiName): AbiName => (ATIME_VALUES.includes(attribute) ? ATIME : attribute);

/** Options of one mount; each has a twin with an `r` before it, for the whole tree. The later of two that differ counts. */
const ATTRIBUTES: Record<string, Setting> = {
  ro: { attribute: 'MOUNT_ATTR_RDONLY', on: true },
  rw: { attribute: 'MOUNT_ATTR_RDONLY', on: false },
  nosuid: { attribute: 'MOUNT_ATTR_NOSUID', on: true },
  suid: { attribute: 'MOUNT_ATTR_NOSUID', on: false },
  nodev: { attribute: 'MOUNT_ATTR_NODEV', on: true },
  dev: { attribute: 'MOUNT_ATTR_NODEV', on: false },
  noexec: { attribute: 'MOUNT_ATTR_NOEXEC', on: true },
  exec: { attribute: 'MOUNT_ATTR_NOEXEC', on: false },
  nodiratime: { attribute: 'MOUNT_ATTR_NODIRATIME', on: true },
  diratime: { attribute: 'MOUNT_ATTR_NODIRATIME', on: false },
  nosymfollow: { attribute: 'MOUNT_ATTR_NOSYMFOLLOW', on: true },
  symfollow: { attribute: 'MOUNT_ATTR_NOSYMFOLLOW', on: false },
  noatime: { attribute: 'MOUNT_ATTR_NOATIME', on: true },
  strictatime: { attribute: 'MOUNT_ATTR_STRICTATIME', on: true },
  relatime: { attribute: 'MOUNT_ATTR_RELATIME', on: true },
  // Without the one the kernel's default is in force, and that is relatime.
  atime: { attribute: 'MOUNT_ATTR_NOATIME', on: false },
  nostrictatime: { attribute: 'MOUNT_ATTR_STRICTATIME', on: false },
  norelatime: { attribute: 'MOUNT_ATTR_RELATIME', on: false },
};

/** Of the file system: the parameter that is set, by the field that it belongs to. `ro` and `rw` are of both kinds. */
const SUPERBLOCK: Record<string, string> = {
  ro: 'ro',
  rw: 'ro',
  sync: 'sync',
  async: 'sync',
  dirsync: 'dirsync',
  mand: 'mand',
  nomand: 'mand',
  lazytime: 'lazytime',
  nolazytime: 'lazytime',
};

const PROPAGATIONS: Record<string, AbiName> = {
  shared: 'MS_SHARED',
  slave: 'MS_SLAVE',
  private: 'MS_PRIVATE',
  unbindable: 'MS_UNBINDABLE',
};

const OTHERS: Record<string, (options: MountOptions) => void> = {
  defaults: () => {},
  bind: (options) => {
    if (options.bind === 'no') options.bind = 'one';
  },
  rbind: (options) => {
    options.bind = 'tree';
  },
  remount: (options) => {
    options.remount = true;
  },
  idmap: (options) => {
    if (options.idmap === 'no') options.idmap = 'one';
  },
  ridmap: (options) => {
    options.idmap = 'tree';
  },
  tmpcopyup: (options) => {
    options.copyUp = true;
  },
  silent: (options) => only(options, 'MS_SILENT', true),
  loud: (options) => only(options, 'MS_SILENT', false),
  iversion: (options) => only(options, 'MS_I_VERSION', true),
  noiversion: (options) => only(options, 'MS_I_VERSION', false),
};

function only(options: MountOptions, flag: AbiName, on: boolean): void {
  options.oldCallOnly = [...options.oldCallOnly.filter((one) => one !== flag), ...(on ? [flag] : [])];
}

const EFFECTS = new Map<string, Effect[]>();
function add(name: string, effect: Effect): void {
  EFFECTS.set(name, [...(EFFECTS.get(name) ?? []), effect]);
}
for (const [name, setting] of Object.entries(ATTRIBUTES)) {
  add(name, ({ own }) => own.set(fieldOf(setting.attribute), setting));
  add(`r${name}`, ({ tree }) => tree.set(fieldOf(setting.attribute), setting));
}
for (const [name, field] of Object.entries(SUPERBLOCK)) add(name, ({ superblock }) => superblock.set(field, name));
for (const [name, as] of Object.entries(PROPAGATIONS)) {
  add(name, ({ options }) => options.propagation.push({ as, recursive: false }));
  add(`r${name}`, ({ options }) => options.propagation.push({ as, recursive: true }));
}
for (const [name, change] of Object.entries(OTHERS)) add(name, ({ options }) => change(options));

/** The names that this runtime gives a meaning, for `features` (features.md, "mountOptions"). */
export const MOUNT_OPTION_NAMES: readonly string[] = [...EFFECTS.keys()].sort();

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
  const collected: Collected = { options, own: new Map(), tree: new Map(), superblock: new Map() };
  names.forEach((text, index) => {
    const effects = EFFECTS.get(text);
    if (effects) for (const effect of effects) effect(collected);
    else if (text !== '') options.data.push({ index, text });
  });
  options.own = changeOf(collected.own);
  options.tree = changeOf(collected.tree);
  options.superblock = [...collected.superblock.values()];
  return options;
}

/** A value of a field replaces the old one, and so the field is cleared with it (mount_setattr(2), "MOUNT_ATTR__ATIME"). */
function changeOf(settings: ReadonlyMap<string, Setting>): AttributeChange {
  const change: AttributeChange = { set: [], clear: [] };
  for (const { attribute, on } of settings.values()) {
    if (on) change.set.push(attribute);
    if (!on || fieldOf(attribute) === ATIME) change.clear.push(fieldOf(attribute));
  }
  return change;
}
