/** Every verb with its flags; loaded when it is called. */
import { CHECKPOINT_FLAGS, RESTORE_FLAGS } from './checkpoint/flag-tables.js';
import type { Flags, FlagTable } from './command-line.js';
import type { Verb } from './invocation.js';

export interface VerbEntry {
  flags: FlagTable;
  usage: string;
  load(): Promise<Verb>;
  /** The planner leaves it to a Node process of its own, which lasts as long as it does. */
  needsOwnProcess?(flags: Flags): boolean;
}

export const GLOBAL_FLAGS: FlagTable = {
  root: 'string',
  log: 'string',
  'log-format': 'string',
  'log-level': 'string',
  debug: 'boolean',
  'systemd-cgroup': 'boolean',
  'cgroup-manager': 'string',
  criu: 'string',
  rootless: 'string',
  'help|h': 'boolean',
  'version|v': 'boolean',
};

const HELP: FlagTable = { 'help|h': 'boolean' };

/** Of `create` and `run`. What crun knows besides runc is accepted too. */
const CREATE_FLAGS: FlagTable = {
  ...HELP,
  'bundle|b': 'string',
  'config|f': 'string',
  'console-socket': 'string',
  'pid-file': 'string',
  'no-pivot': 'boolean',
  'no-new-keyring': 'boolean',
  'no-subreaper': 'boolean',
  'preserve-fds': 'string',
};

const UPDATE_FLAGS: FlagTable = Object.fromEntries(
  [
    ...['resources|r', 'memory', 'memory-reservation', 'memory-swap', 'kernel-memory', 'kernel-memory-tcp'],
    ...['cpu-share', 'cpu-quota', 'cpu-period', 'cpu-burst', 'cpu-rt-period', 'cpu-rt-runtime', 'cpu-idle'],
    ...['cpuset-cpus', 'cpuset-mems', 'blkio-weight', 'pids-limit'],
  ].map((name) => [name, 'string']),
);

export const VERBS: Readonly<Record<string, VerbEntry>> = {
  create: {
    flags: CREATE_FLAGS,
    usage: 'create [--bundle DIR] [--console-socket PATH] [--pid-file FILE] ID',
    load: async () => (await import('./verbs/create.js')).create,
  },
  start: { flags: HELP, usage: 'start ID', load: async () => (await import('./verbs/start.js')).start },
  run: {
    flags: { ...CREATE_FLAGS, 'detach|d': 'boolean', keep: 'boolean' },
    usage: 'run [--bundle DIR] [--detach] [--keep] ID',
    load: async () => (await import('./verbs/run.js')).run,
  },
  state: { flags: HELP, usage: 'state ID', load: async () => (await import('./verbs/state.js')).state },
  kill: {
    flags: { ...HELP, 'all|a': 'boolean' },
    usage: 'kill [--all] ID [SIGNAL]',
    load: async () => (await import('./verbs/kill.js')).kill,
  },
  delete: {
    flags: { ...HELP, 'force|f': 'boolean' },
    usage: 'delete [--force] ID',
    load: async () => (await import('./verbs/delete.js')).deleteVerb,
  },
  exec: {
    flags: {
      ...HELP,
      'console-socket': 'string',
      cwd: 'string',
      'env|e': 'list',
      'tty|t': 'boolean',
      'user|u': 'string',
      'additional-gids|g': 'list',
      'process|p': 'string',
      'detach|d': 'boolean',
      'pid-file': 'string',
      'process-label': 'string',
      apparmor: 'string',
      'no-new-privs': 'boolean',
      'cap|c': 'list',
      'preserve-fds': 'string',
      cgroup: 'list',
      'ignore-paused': 'boolean',
    },
    usage:
      'exec [--process FILE] [--tty] [--detach] [--user UID[:GID]] [--cwd DIR] [--env NAME=VALUE] ID COMMAND [ARG...]',
    load: async () => (await import('./verbs/exec.js')).exec,
  },
  ps: {
    flags: { ...HELP, 'format|f': 'string' },
    usage: 'ps [--format table|json] ID [PS-OPTION...]',
    load: async () => (await import('./verbs/ps.js')).ps,
  },
  pause: { flags: HELP, usage: 'pause ID', load: async () => (await import('./verbs/pause.js')).pause },
  resume: { flags: HELP, usage: 'resume ID', load: async () => (await import('./verbs/resume.js')).resume },
  update: {
    flags: { ...HELP, ...UPDATE_FLAGS },
    usage: 'update [--resources FILE] [--memory BYTES] [--cpu-quota US] [--pids-limit N] … ID',
    load: async () => (await import('./verbs/update.js')).update,
    // Its standard input may be what it reads.
    needsOwnProcess: (flags) => flags.string('resources') === '-',
  },
  events: {
    flags: { ...HELP, interval: 'string', stats: 'boolean' },
    usage: 'events [--interval DURATION] [--stats] ID',
    load: async () => (await import('./verbs/events.js')).events,
    needsOwnProcess: (flags) => !flags.has('stats'),
  },
  checkpoint: {
    flags: { ...HELP, ...CHECKPOINT_FLAGS },
    usage: 'checkpoint [--image-path DIR] [--leave-running] [--pre-dump] [--tcp-established] [--shell-job] … ID',
    load: async () => (await import('./verbs/checkpoint.js')).checkpoint,
  },
  restore: {
    flags: { ...HELP, ...RESTORE_FLAGS },
    usage: 'restore [--image-path DIR] [--bundle DIR] [--detach] [--console-socket PATH] [--pid-file FILE] … ID',
    load: async () => (await import('./verbs/restore.js')).restore,
  },
  features: { flags: HELP, usage: 'features', load: async () => (await import('./verbs/features.js')).features },
  spec: {
    flags: { ...HELP, 'bundle|b': 'string', rootless: 'boolean' },
    usage: 'spec [--bundle DIR] [--rootless]',
    load: async () => (await import('./verbs/spec.js')).spec,
  },
  list: {
    flags: { ...HELP, 'format|f': 'string', 'quiet|q': 'boolean' },
    usage: 'list [--format table|json] [--quiet]',
    load: async () => (await import('./verbs/list.js')).list,
  },
};
