/** Starts a container of the engine: performs its plan by the launcher and answers what the plan tells (start-plan.ts). */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VlabError, withCleanUp } from '../../base/errors.js';
import { privateDir, runDir as wholeRunDir } from '../../base/paths.js';
import type { Cgroup } from '../../container/cgroup/cgroup.js';
import { usualCgroup } from '../../container/cgroup/planned-cgroup.js';
import type { OciConfig } from '../../container/config/schema.js';
import { readPid } from '../../container/conversation.js';
import { situationFor } from '../../container/situation-for.js';
import { writeIdMaps } from '../../container/write-id-maps.js';
import { AGREED, REFUSED } from '../../sys/agreement.js';
import type { Performance } from '../../sys/channel.js';
import { encodePlan } from '../../sys/encode.js';
import { initVersion, nativeBinary } from '../../sys/native.js';
import { own, ownerRecordPath, parentOf } from '../../sys/owners.js';
import { bootProcessOf } from '../boot.js';
import { CONTAINER_FILES } from '../container-files.js';
import type { BootProcess } from '../container-state.js';
import { attach } from './attach.js';
import { endPlan } from './end-plan.js';
import { engineLauncher } from './engine-launcher.js';
import { EXIT_RECORD_BYTES, exitOwner, parseExitRecord } from './exit-record.js';
import { startFailure } from './start-failure.js';
import { startPlan } from './start-plan.js';
import type { Attachment, ContainerEnd, Started, StartRequest } from './start-request.js';

/**
 * Resolves when its program runs. Errors: VlabError with docker's exit code: 127 and 126 for a program that is not there or
 * cannot be run, 125 for the rest; what `onBorn` throws. Nothing of it is left then.
 */
export async function startContainer(request: StartRequest): Promise<Started> {
  const { id, dir, runDir, finish, finishEnv } = request;
  const config = sized(request);
  const logDir = join(dir, CONTAINER_FILES.log);
  const [situation, keepPath, resident] = await Promise.all([
    situationFor(config),
    nativeBinary('vlab-keep'),
    engineLauncher(),
  ]);
  const planned = request.cgroup ?? usualCgroup(config, situation);
  const { cgroup } = planned;
  const cgroups = cgroup.directories.map(({ path }) => path);
  const ownerRecord = ownerRecordPath(id);
  const end = endPlan(situation.arch, { dir, runDir, cgroup, ownerRecord, finish, finishEnv });
  const made = startPlan(config, situation, planned, {
    rootMount: request.rootMount,
    keepPath,
    dir,
    logDir,
    runDir,
    stdin: request.stdin,
    log: request.log,
    terminal: config.process.terminal === true,
    endPlan: encodePlan(end, initVersion()),
  });
  mkdirSync(logDir, { recursive: true, mode: 0o700 });
  rmSync(join(dir, CONTAINER_FILES.exit), { force: true });
  const owned = { cgroups, paths: [runDir] };
  const ownership = own(id, owned);
  try {
    privateDir(wholeRunDir());
    mkdirSync(dirname(runDir), { recursive: true, mode: 0o700 });
    mkdirSync(runDir, { recursive: true, mode: 0o700 });
    const performance = await resident.perform(made.plan);
    const mapsFor = made.maps === 'outside' ? { rootless: situation.rootless !== undefined } : undefined;
    const start = new Start(request, config, performance, cgroup, mapsFor, (monitor) => own(id, owned, monitor.pid));
    return { ...(await start.running), cgroups };
  } catch (error) {
    return withCleanUp<never>(
      async () => {
        throw error;
      },
      () => ownership[Symbol.asyncDispose](),
    );
  }
}

/** With the size of the window that it is started in. */
function sized({ config, attach: streams }: StartRequest): OciConfig {
  const { size } = streams ?? {};
  if (!config.process.terminal || !size) return config;
  return { ...config, process: { ...config.process, consoleSize: { height: size.rows, width: size.columns } } };
}

type Running = Omit<Started, 'cgroups'>;

/** One conversation with a plan. */
class Start {
  readonly running: Promise<Running>;
  private settle: { resolve(running: Running): void; reject(error: unknown): void };
  private init: BootProcess | undefined;
  private monitor: BootProcess | undefined;
  private attachment: Attachment | undefined;
  private trouble: unknown;
  private isRunning = false;
  private endTold: { resolve(end: ContainerEnd): void; reject(error: unknown): void } | undefined;

  constructor(
    private readonly request: StartRequest,
    private readonly config: OciConfig,
    private readonly performance: Performance,
    private readonly cgroup: Cgroup,
    private readonly mapsFor: { rootless: boolean } | undefined,
    private readonly handTo: (monitor: BootProcess) => void,
  ) {
    this.settle = { resolve: () => {}, reject: () => {} };
    this.running = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    performance.onNote = (payload) => this.listen(payload);
    performance.ended.then(
      ({ failure, reply }) => this.over(failure && startFailure(failure, config, reply)),
      (error: unknown) => this.over(error),
    );
  }

  private listen(payload: Buffer): void {
    if (payload.length >= EXIT_RECORD_BYTES) {
      this.performance.answer(Buffer.from('f'));
      this.endTold?.resolve(parseExitRecord(payload));
      this.performance.hangUp();
    } else if (!this.init) {
      void this.born(readPid(payload)).then(
        (answer) => this.performance.answer(answer),
        (error: unknown) => {
          this.trouble = error;
          this.attachment?.detach();
          this.performance.answer(REFUSED);
        },
      );
    } else this.started(this.init);
  }

  private async born(pid: number): Promise<Buffer> {
    const { request, config, mapsFor } = this;
    const init = bootProcessOf(pid);
    this.init = init;
    const monitor = bootProcessOf(parentOf(pid) ?? 0);
    this.monitor = monitor;
    this.handTo(monitor);
    if (mapsFor) await writeIdMaps(pid, config, mapsFor.rootless);
    const streams = request.attach;
    if (streams) this.attachment = await attach(request.runDir, { ...streams, waits: streams.waits ?? true });
    await request.onBorn?.(init, monitor, this.cgroup);
    return Buffer.concat([AGREED, exitOwner(init)]);
  }

  private started(init: BootProcess): void {
    this.isRunning = true;
    const { monitor, attachment, request } = this;
    if (!monitor) throw new RangeError('a container was started by nobody');
    const ended = request.waits
      ? new Promise<ContainerEnd>((resolve, reject) => {
          this.endTold = { resolve, reject };
        })
      : undefined;
    ended?.catch(() => {}); // who does not wait need not know
    if (!ended) this.performance.hangUp();
    this.settle.resolve({ init, monitor, ...(ended ? { ended } : {}), ...(attachment ? { attachment } : {}) });
  }

  /** Nobody answers any more. */
  private over(error: unknown): void {
    if (this.isRunning) {
      this.endTold?.reject(
        new VlabError('operation', "the container's monitor was killed, and the container with it", { exitCode: 137 }),
      );
      return;
    }
    this.attachment?.detach();
    this.settle.reject(
      this.trouble ?? error ?? new VlabError('operation', 'the container was not started', { exitCode: 125 }),
    );
  }
}
