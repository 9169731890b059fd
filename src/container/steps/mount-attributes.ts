/** Changes of mounts that are held by a descriptor (mount_setattr(2)). Pure. */
import { ABI, type AbiName, flags } from '../../sys/abi.js';
import { words64 } from '../../sys/encode.js';
import type { PlanBuilder, StepOptions, Word } from '../../sys/plan.js';
import type { MountOptions } from './mount-options.js';

/** sizeof(struct mount_attr): set, clear, propagation, userns_fd. */
const MOUNT_ATTR_BYTES = 32;
const USERNS_FD_AT = 24;

export interface MountChange {
  set?: readonly AbiName[];
  clear?: readonly AbiName[];
  propagation?: AbiName;
  /** Ids are shown as this user namespace maps them. */
  idmap?: Word;
  /** Of all mounts of the tree. */
  recursive?: boolean;
}

export function changeMount(b: PlanBuilder, tree: Word, change: MountChange, why: string, options: StepOptions = {}) {
  const { clear = [], propagation, idmap, recursive } = change;
  const set = [...(change.set ?? []), ...(idmap ? (['MOUNT_ATTR_IDMAP'] as const) : [])];
  const text = [
    ...(set.length > 0 ? [`set ${set.join('|')}`] : []),
    ...(clear.length > 0 ? [`clear ${clear.join('|')}`] : []),
    ...(propagation ? [propagation] : []),
    ...(idmap ? [`as in ${idmap.text}`] : []),
  ].join(', ');
  const words = words64(flags(...set).value, flags(...clear).value, propagation ? ABI[propagation] : 0, 0);
  const attr = b.data(words, `{${text}}`);
  if (idmap) {
    const field = b.field(attr, USERNS_FD_AT, 'w64', 'mount_attr.userns_fd');
    b.step('fcntl', [idmap, flags('F_DUPFD_CLOEXEC'), 0], 'name the user namespace', { result: field });
  }
  const how = flags('AT_EMPTY_PATH', ...(recursive ? (['AT_RECURSIVE'] as const) : []));
  b.step('mount_setattr', [tree, b.str(''), how, attr, MOUNT_ATTR_BYTES], why, options);
}

/**
 * The fewest calls that bring about what options say of a mount that is there. `born`: it is new and has its own attributes
 * already.
 */
export function changesOf(options: MountOptions, idmap?: Word, born = false): MountChange[] {
  const { own, tree, propagation } = options;
  const changes: MountChange[] = [];
  for (const recursive of [false, true]) {
    const { set, clear } = recursive ? tree : born ? { set: [], clear: [] } : own;
    // Several are done one after the other, as they stand there: slave and then shared is both.
    const as = propagation.length === 1 && propagation[0]?.recursive === recursive ? propagation[0].as : undefined;
    const mapped = options.idmap === (recursive ? 'tree' : 'one') ? idmap : undefined;
    if (set.length + clear.length === 0 && !as && !mapped) continue;
    changes.push({ recursive, set, clear, ...(as ? { propagation: as } : {}), ...(mapped ? { idmap: mapped } : {}) });
  }
  if (propagation.length > 1) {
    for (const { as, recursive } of propagation) changes.push({ recursive, propagation: as });
  }
  return changes;
}
