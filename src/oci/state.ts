/**
 * What the runtime remembers of its containers: a directory each below the root (`--root`), with the configuration as it was
 * at `create`, a record, and the FIFOs that `start` uses. Written by rename, so that no reader sees half; everything that can
 * change by itself (does it run?) is asked of the kernel and never stored. runtime.md, "State".
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import type { Cgroup } from '../container/cgroup/cgroup.js';
import { parseConfig } from '../container/config/parse-config.js';
import type { OciConfig, OciResources } from '../container/config/schema.js';
import { hasEnded, isAlive, type Process, startTimeOf, thisProcess } from '../sys/owners.js';
import { isPerformer } from '../sys/performer.js';

/** Of the layout below; a record of another version is refused, never guessed at. */
const VERSION = 1;

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
  /** The process that creates it: while it lives and there is no `init`, the container is being created. */
  creator: Process;
  /** The container's first process. */
  init?: Process;
  cgroup: Cgroup;
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

const ID = /^[A-Za-z0-9_+.-]{1,1024}$/;

/** Error: `input` for an id that could be no directory's name, or more than a name. */
export function checkId(id: string | undefined): string {
  if (id !== undefined && ID.test(id) && id !== '.' && id !== '..') return id;
  throw new VlabError(
    'input',
    id === undefined ? 'no container id is given' : `invalid container id ${JSON.stringify(id)}`,
    {
      hint: 'an id is made of letters, digits, underscores, pluses, dots and hyphens',
    },
  );
}

export function defaultRoot(env: Readonly<Record<string, string | undefined>>): string {
  if (process.geteuid?.() === 0 && !env.ROOTLESS_RUNTIME) return '/run/vlab-oci';
  return join(env.XDG_RUNTIME_DIR ?? `/tmp/vlab-${process.geteuid?.() ?? 0}`, 'vlab-oci');
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

  /** Makes the directory. Error (`operation`): there is a container of that id. */
  claim(): void {
    mkdirSync(this.root, { recursive: true, mode: 0o700 });
    try {
      mkdirSync(this.dir, { mode: 0o700 });
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      throw new VlabError('operation', `container with id ${this.id} already exists`, {
        hint: `vlab-oci delete --force ${this.id}`,
      });
    }
  }

  write(record: ContainerRecord): void {
    this.place('state.json', JSON.stringify(record));
  }

  writeConfig(text: string): void {
    this.place('config.json', text);
  }

  /** Error: `operation` when there is no such container, or another version of vlab made it. */
  read(): ContainerRecord {
    let record: ContainerRecord;
    try {
      record = JSON.parse(readFileSync(join(this.dir, 'state.json'), 'utf8')) as ContainerRecord;
    } catch (cause) {
      throw existsSync(this.dir) ? this.unreadable(cause) : this.missing();
    }
    if (record.version !== VERSION) {
      throw new VlabError('operation', `container ${this.id} was made by another version of vlab-oci`, {
        hint: `its record has version ${record.version}, this one reads ${VERSION}: use the one that made it`,
      });
    }
    return record;
  }

  config(): OciConfig {
    return parseConfig(readFileSync(join(this.dir, 'config.json'), 'utf8'), `the configuration of ${this.id}`);
  }

  missing(): VlabError {
    return new VlabError('operation', `container ${JSON.stringify(this.id)} does not exist`);
  }

  private unreadable(cause: unknown): VlabError {
    return new VlabError('operation', `the record of container ${this.id} cannot be read`, {
      cause,
      hint: `its creation was interrupted: vlab-oci delete --force ${this.id}`,
    });
  }

  private place(name: string, text: string): void {
    const partial = join(this.dir, `.${name}.${process.pid}`);
    writeFileSync(partial, text, { mode: 0o600 });
    renameSync(partial, join(this.dir, name));
  }

  remove(): void {
    // First under another name, which no id can be: whoever looks meanwhile finds all of it or nothing.
    const away = join(this.root, `,${this.id}.${process.pid}`);
    try {
      renameSync(this.dir, away);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw error;
    }
    rmSync(away, { recursive: true, force: true });
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

/** `isPaused`: asked only of a running container. */
export function statusOf(container: Container, record: ContainerRecord, isPaused: () => boolean): Status {
  const { init } = record;
  if (!init) return isAlive(record.creator) ? 'creating' : 'stopped';
  if (hasEnded(init)) return 'stopped';
  if (existsSync(container.startFifo) && stillWaits(init.pid)) return 'created';
  return isPaused() ? 'paused' : 'running';
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

/** Ids of all containers of a root; removes what a killed `delete` left. */
export function listIds(root: string): string[] {
  try {
    return readdirSync(root).filter((name) => {
      if (!name.startsWith(',')) return true;
      const pid = Number(name.split('.').at(-1));
      if (startTimeOf(pid) === undefined) rmSync(join(root, name), { recursive: true, force: true });
      return false;
    });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
