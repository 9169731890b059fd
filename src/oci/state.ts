/**
 * What the runtime remembers of its containers: a directory each below the root (`--root`), with the configuration as it was
 * at `create`, a record, and the FIFOs that `start` uses. Written by rename, so that no reader sees half; everything that can
 * change by itself (does it run?) is asked of the kernel and never stored. runtime.md, "State".
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { privateDir } from '../base/paths.js';
import type { Cgroup } from '../container/cgroup/cgroup.js';
import { parseConfig } from '../container/config/parse-config.js';
import type { OciConfig, OciResources } from '../container/config/schema.js';
import { inUserNamespace } from '../host/user-namespace.js';
import { hasEnded, type Process, thisProcess } from '../sys/owners.js';
import { isPerformer } from '../sys/performer.js';
import { BrokenError, MissingError } from './container-errors.js';
import { makersToken, placeTaken } from './lock.js';
import { makeDirectories, makeDirectoryWhole, removeDirectoryWhole, wholeDirectories } from './whole-directory.js';

/** Of the layout below; a record of another version is refused, never guessed at. */
const VERSION = 2;

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

export interface ContainerRecord {
  version: number;
  id: string;
  ociVersion: string;
  bundle: string;
  rootfs: string;
  annotations?: Record<string, string>;
  /** ISO 8601. */
  created: string;
  /** The process that decides while it is created: while it lives and there is no `init`, the container is being created. */
  creator: Process;
  /** The process that performs its creation, which may go on for a moment when the creator is killed. */
  performer: Process;
  /** The container's first process. */
  init?: Process;
  cgroup: Cgroup;
  /** Directories of resctrl that were made for it. */
  resctrl?: string[];
  /** What `update` has made of the configuration's resources. */
  resources?: OciResources;
  uid: number;
}

/** The state as runtime.md has it, which hooks get and `state` prints. */
export interface OciState {
  ociVersion: string;
  id: string;
  status: Status;
  pid?: number;
  bundle: string;
  annotations?: Record<string, string>;
}

const STATE_FILE = 'state.json';
const CONFIG_FILE = 'config.json';

/** It is a directory's name (NAME_MAX of limits.h). */
const ID = /^[A-Za-z0-9_+.-]{1,255}$/;

/** Error: `input` for an id that could be no directory's name, or more than a name. */
export function checkId(id: string | undefined): string {
  if (id !== undefined && ID.test(id) && id !== '.' && id !== '..') return id;
  throw new VlabError(
    'input',
    id === undefined ? 'no container id is given' : `invalid container id ${JSON.stringify(id)}`,
    {
      hint: 'an id is made of at most 255 letters, digits, underscores, pluses, dots and hyphens',
    },
  );
}

/**
 * Without `--root`: the user's own run-time directory where there is one, also for who is root only in a user namespace, as
 * podman's containers are without root; USER tells it from a root who was given one (runc's rule). Error (`host`): there is
 * none, and what has its place in /tmp is not that user's alone.
 */
export function defaultRoot(env: Readonly<Record<string, string | undefined>>): string {
  const uid = process.geteuid?.() ?? 0;
  const isUsers = uid !== 0 || (env.USER !== 'root' && inUserNamespace());
  if (!isUsers) return '/run/vlab-oci';
  return join(env.XDG_RUNTIME_DIR || privateDir(`/tmp/vlab-${uid}`), 'vlab-oci');
}

export class Container {
  readonly dir: string;

  constructor(
    readonly root: string,
    readonly id: string,
  ) {
    this.dir = join(root, checkId(id));
  }

  get startFifo(): string {
    return join(this.dir, 'start.fifo');
  }

  get outcomeFifo(): string {
    return join(this.dir, 'outcome.fifo');
  }

  /**
   * Makes the directory with all that is in it, and holds its lock; returns what releases it. Error (`operation`): there is a
   * container of that id.
   */
  claim(record: ContainerRecord, config: string): () => void {
    makeDirectories(this.root);
    let release: (() => void) | undefined;
    const made = makeDirectoryWhole({ root: this.root, name: this.id }, (partial) => {
      release = placeTaken(partial, this.dir);
      writeFileSync(join(partial, CONFIG_FILE), config, { mode: 0o600 });
      writeFileSync(join(partial, STATE_FILE), JSON.stringify(record), { mode: 0o600 });
    });
    if (made && release) return release;
    throw this.taken();
  }

  exists(): boolean {
    return existsSync(this.dir);
  }

  /** Error (`operation`): there is a container of that id. */
  mustBeNew(): void {
    if (this.exists()) throw this.taken();
  }

  write(record: ContainerRecord): void {
    this.replace(STATE_FILE, JSON.stringify(record));
  }

  /** For what becomes known of a container only when it is there. */
  writeConfig(text: string): void {
    this.replace(CONFIG_FILE, text);
  }

  private replace(name: string, text: string): void {
    const partial = join(this.dir, `.${name}.${process.pid}`);
    writeFileSync(partial, text, { mode: 0o600 });
    renameSync(partial, join(this.dir, name));
  }

  /** Error: `operation` when there is no such container, or another version of vlab made it. */
  read(): ContainerRecord {
    let record: ContainerRecord;
    try {
      record = JSON.parse(readFileSync(join(this.dir, STATE_FILE), 'utf8')) as ContainerRecord;
    } catch (cause) {
      throw this.exists()
        ? new BrokenError(`the record of container ${this.id} cannot be read`, { cause })
        : new MissingError(this.id);
    }
    if (record.version !== VERSION) {
      throw new VlabError('operation', `container ${this.id} was made by another version of vlab-oci`, {
        hint: `its record has version ${record.version}, this one reads ${VERSION}: use the one that made it`,
      });
    }
    return record;
  }

  config(): OciConfig {
    return parseConfig(readFileSync(join(this.dir, CONFIG_FILE), 'utf8'), `the configuration of ${this.id}`);
  }

  private taken(): VlabError {
    return new VlabError('operation', `container with id ${this.id} already exists`, {
      hint: `vlab-oci delete --force ${this.id}`,
    });
  }

  remove(): void {
    removeDirectoryWhole({ root: this.root, name: this.id });
  }
}

export function newRecord(fields: Omit<ContainerRecord, 'version' | 'created' | 'creator' | 'uid'>): ContainerRecord {
  return {
    version: VERSION,
    ...fields,
    created: new Date().toISOString(),
    creator: thisProcess(),
    uid: process.geteuid?.() ?? 0,
  };
}

/** `isPaused`: asked only of one that has not ended; who is frozen before its program runs can be let go as little as after it. */
export function statusOf(container: Container, record: ContainerRecord, isPaused: () => boolean): Status {
  const { init, creator } = record;
  if (!init) return hasEnded(creator) ? 'stopped' : 'creating';
  if (hasEnded(init)) return 'stopped';
  if (existsSync(join(container.dir, makersToken(creator))) && !hasEnded(creator)) return 'creating';
  if (isPaused()) return 'paused';
  return existsSync(container.startFifo) && stillWaits(init.pid) ? 'created' : 'running';
}

function stillWaits(pid: number): boolean {
  try {
    return isPerformer(pid);
  } catch (error) {
    // vlab-init cannot be looked at by other users before it has become the program.
    return ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '');
  }
}

export function ociState(record: ContainerRecord, status: Status): OciState {
  return {
    ociVersion: record.ociVersion,
    id: record.id,
    status,
    ...(status === 'stopped' || !record.init ? {} : { pid: record.init.pid }),
    bundle: record.bundle,
    ...(record.annotations ? { annotations: record.annotations } : {}),
  };
}

/** Ids of all containers of a root; removes what a killed `create` or `delete` left. */
export function listIds(root: string): string[] {
  return wholeDirectories(root);
}
