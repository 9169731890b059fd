/** `restore`: a container whose processes come out of the images of a checkpoint, by criu(8). */
import { resolve } from 'node:path';
import { cgroupOf } from '../../container/cgroup/planned-cgroup.js';
import { type StartedScope, startScope } from '../../container/cgroup/systemd.js';
import { hostId } from '../../container/config/namespaces.js';
import { parseConfig } from '../../container/config/parse-config.js';
import type { OciConfig, OciNamespaceType } from '../../container/config/schema.js';
import { exitCodeOf } from '../../container/foreground-steps.js';
import { readSituation } from '../../container/situation.js';
import { nativeBinary } from '../../sys/native.js';
import { processOf } from '../../sys/owners.js';
import { readBundle } from '../bundle.js';
import { NEVER, NOBODY, withFailureCleanUp } from '../create-container.js';
import { checkTerminal } from '../descriptors.js';
import { foregroundEnd } from '../foreground-end.js';
import { runHooks } from '../hooks.js';
import { type Invocation, namedContainer } from '../invocation.js';
import { removePidFile, writePidFile } from '../pid-file.js';
import { removeContainer } from '../remove-container.js';
import { type Container, type ContainerRecord, newRecord, ociState } from '../state.js';
import { makeDirectories, readLog } from './checkpoint-container.js';
import { configFileOf, resolvedDestinations, toolsThere } from './container-look.js';
import { type CriuFlags, criuFlags } from './criu-flags.js';
import { criuFailure } from './criu-log.js';
import type { ErrandName } from './criu-steps.js';
import { findCriu, mustBeRoot } from './find-criu.js';
import { openImagesTo, readNotes } from './image-notes.js';
import { restorePlan } from './restore-plan.js';
import { RESTORE_LOG, restoreRequest } from './restore-request.js';
import { type Said, talkWithCriu } from './talk.js';
import { withTimeNamespace } from './time-namespace.js';

export interface Restored {
  /** In the foreground: the code that its first process ended with; the container is gone. */
  exitCode?: number;
  warnings: readonly string[];
}

/** Errors: `input` for the bundle, the images or the flags; `host`, `operation`: nothing is left then. */
export async function restoreContainer(invocation: Invocation, way: 'detached' | 'foreground'): Promise<Restored> {
  const { caller, globals, flags: given } = invocation;
  const container = namedContainer(invocation);
  const flags = criuFlags(given, caller.cwd);
  const bundle = resolve(caller.cwd, given.string('bundle') ?? '.');
  const text = readBundle(bundle, given.string('config'));
  container.mustBeNew();
  const config = parseConfig(text);
  const consoleSocket = given.string('console-socket');
  checkTerminal(config.process.terminal === true, consoleSocket, way === 'foreground');
  const notes = readNotes(flags.imagePath);
  mustBeRoot();
  const criu = await findCriu(globals.criu, caller.env);
  const situation = { ...readSituation([]), id: container.id, bundle };
  using scope =
    globals.cgroupManager === 'systemd' ? await startScope(config, container.id, situation, caller.env) : undefined;
  const cgroup = scope?.planned ?? cgroupOf(config, container.id, situation);
  const rootfs = resolve(bundle, config.root.path);
  const places = { bundle, rootfs };
  const configFile = configFileOf(config);
  const request = restoreRequest(
    config,
    {
      ...places,
      ...{ notes, cgroup: cgroup.cgroup, places: situation.cgroups },
      resolved: resolvedDestinations(config, rootfs),
      tools: toolsThere(caller.env),
      ...(configFile === undefined ? {} : { configFile }),
    },
    flags,
  );
  const isNew = (type: OciNamespaceType) => config.linux.namespaces.some((one) => one.type === type && !one.path);
  const bareNetwork = isNew('network') && (flags.emptyNetwork || notes.emptyNetwork);
  const plan = restorePlan(config, situation, cgroup, {
    bareNetwork,
    ...{ ...places, criu, request, imagesDir: flags.imagePath },
    ...(flags.workPath === undefined ? {} : { workDir: flags.workPath }),
    ...(consoleSocket === undefined ? {} : { consoleSocket: resolve(caller.cwd, consoleSocket) }),
    ...(way === 'foreground' ? { foreground: { relayPath: await nativeBinary('vlab-relay') } } : {}),
  });
  makeDirectories(flags);
  const group = isNew('user') ? hostId(config.linux.gidMappings, 0) : undefined;
  if (group !== undefined && situation.rootless === undefined) openImagesTo(group, flags.imagePath);
  const performer = await caller.performer({ foreground: way === 'foreground' });
  const { ociVersion, annotations } = config;
  const record = newRecord({
    ...{ id: container.id, ociVersion, bundle, rootfs, cgroup: cgroup.cgroup, performer },
    ...(annotations ? { annotations } : {}),
  });
  const release = container.claim(record, text);
  const restoring = new Restoring(
    invocation,
    { container, config, text, flags, bareNetwork, release, ...(scope ? { scope } : {}) },
    record,
  );
  try {
    await withFailureCleanUp(
      async () => {
        restoring.check(await talkWithCriu(caller, plan, restoring, { foreground: way === 'foreground' }));
      },
      () => restoring.undo(),
    );
  } finally {
    release();
  }
  const { exitCode, warnings } = restoring;
  return { warnings, ...(exitCode === undefined ? {} : { exitCode }) };
}

interface Given {
  container: Container;
  config: OciConfig;
  text: string;
  flags: CriuFlags;
  /** Its network namespace is new, and its devices are not in the image. */
  bareNetwork: boolean;
  /** Lets other commands at the container. */
  release: () => void;
  /** Held for the container until it is in it. */
  scope?: StartedScope;
}

class Restoring {
  exitCode: number | undefined;
  warnings: readonly string[] = [];

  constructor(
    private readonly invocation: Invocation,
    private readonly given: Given,
    private record: ContainerRecord,
  ) {}

  async reached(stage: string, pid: number | undefined): Promise<ErrandName[]> {
    const { config } = this.given;
    if (stage === 'orphan-pts-master') return config.process.terminal ? ['terminal'] : [];
    if (pid === undefined) return [];
    if (stage === 'setup-namespaces') return this.namespacesAreThere(pid);
    if (stage === 'post-restore') this.isThere(pid);
    return [];
  }

  private async namespacesAreThere(pid: number): Promise<ErrandName[]> {
    const { config, bareNetwork } = this.given;
    const { gone } = this.invocation.caller;
    const state = ociState({ ...this.record, init: processOf(pid) }, 'creating');
    await runHooks(config, 'prestart', state, gone);
    await runHooks(config, 'createRuntime', state, gone);
    return bareNetwork ? ['loopback'] : [];
  }

  /** All processes are, and wait for criu to let them go on. */
  private isThere(pid: number): void {
    const { container, config, text } = this.given;
    this.record = { ...this.record, init: processOf(pid) };
    container.write(this.record);
    writePidFile(this.invocation, pid);
    const changed = withTimeNamespace(pid, config, text);
    if (changed !== undefined) container.writeConfig(changed);
  }

  async succeeded(): Promise<void> {
    this.given.release();
    this.given.scope?.release();
  }

  /** In the foreground: its first process has ended (siginfo_t). Answers the code that the performer ends with. */
  async afterwards(siginfo: Buffer): Promise<Buffer> {
    this.exitCode = exitCodeOf(siginfo);
    const { answer, warnings } = await foregroundEnd(this.invocation, this.given, this.exitCode);
    this.warnings = warnings;
    return answer;
  }

  check({ response, trouble, failure }: Said): void {
    if (this.exitCode !== undefined) return; // the performer ended as the program did, without another word
    const { container, flags } = this.given;
    if (trouble !== undefined) throw trouble;
    if (response?.success) {
      if (failure) throw failure;
      return;
    }
    const log = readLog(flags, RESTORE_LOG);
    if (failure && response === undefined) throw failure;
    throw criuFailure('restore', `container ${container.id}`, log, response?.cr_errmsg);
  }

  async undo(): Promise<void> {
    const { container, config } = this.given;
    removePidFile(this.invocation);
    try {
      await removeContainer(container, this.record, { config, force: true, until: NEVER });
    } catch (error) {
      if (container.exists()) container.write({ ...this.record, creator: NOBODY });
      throw error;
    }
  }
}
