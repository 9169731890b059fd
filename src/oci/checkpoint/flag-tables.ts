/** The flags of `checkpoint` and `restore`. Meanings and names are runc's; --network-lock and --tcp-close are crun's. */
import type { FlagTable } from '../command-line.js';

const COMMON: FlagTable = {
  'image-path': 'string',
  'work-path': 'string',
  'tcp-established': 'boolean',
  'tcp-skip-in-flight': 'boolean',
  'tcp-close': 'boolean',
  'network-lock': 'string',
  'ext-unix-sk': 'boolean',
  'shell-job': 'boolean',
  'lazy-pages': 'boolean',
  'file-locks': 'boolean',
  'link-remap': 'boolean',
  'manage-cgroups-mode': 'string',
  'empty-ns': 'list',
  'auto-dedup': 'boolean',
};

export const CHECKPOINT_FLAGS: FlagTable = {
  ...COMMON,
  'parent-path': 'string',
  'leave-running|R': 'boolean',
  'status-fd': 'string',
  'page-server': 'string',
  'pre-dump': 'boolean',
};

export const RESTORE_FLAGS: FlagTable = {
  ...COMMON,
  'bundle|b': 'string',
  'config|f': 'string',
  'console-socket': 'string',
  'pid-file': 'string',
  'detach|d': 'boolean',
  'no-subreaper': 'boolean',
  'no-pivot': 'boolean',
  keep: 'boolean',
  'lsm-profile': 'string',
  'lsm-mount-context': 'string',
};
