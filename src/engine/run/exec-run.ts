/** A further program in a running container that depends on nobody: its monitor keeps its terminal, and who attaches may leave. */
import { mkdirSync } from 'node:fs';
import { VlabError } from '../../base/errors.js';
import type { JoinedCgroup } from '../../container/cgroup/cgroup.js';
import type { OciConfig } from '../../container/config/schema.js';
import { readSituation } from '../../container/situation.js';
import { withFilter } from '../../container/situation-for.js';
import { encodePlan } from '../../sys/encode.js';
import { initVersion, nativeBinary } from '../../sys/native.js';
import { hasEnded, own, ownerRecordPath, type Process } from '../../sys/owners.js';
import { converse, type Running } from './converse.js';
import { endPlan } from './end-plan.js';
import { engineLauncher } from './engine-launcher.js';
import { joinPlan } from './join-plan.js';
import { sized } from './sized.js';
import type { StartRequest } from './start-request.js';

export interface ExecRunRequest extends Pick<StartRequest, 'stdin' | 'attach' | 'waits'> {
  /** Of this program; a file name. */
  id: string;
  /** Its own, in the container's run directory: there is nothing of it elsewhere. */
  runDir: string;
  /** The container's, with the process to run. */
  config: OciConfig;
  container: { init: Process; cgroups: readonly JoinedCgroup[] };
}

/** Resolves when it runs. Errors: `operation` when the container has ended; those of startContainer. Nothing is left of it then. */
export async function execRun(request: ExecRunRequest): Promise<Running> {
  const { id, runDir, container } = request;
  const config = sized(request);
  const [situation, keepPath, resident] = await Promise.all([
    withFilter(config, readSituation([])),
    nativeBinary('vlab-keep'),
    engineLauncher(),
  ]);
  const ownerRecord = ownerRecordPath(id);
  const nothing = { cgroup: { directories: [], made: [] }, finish: [], finishEnv: [] };
  const end = endPlan(situation.arch, { dir: runDir, runDir, ownerRecord, ...nothing });
  const place = { pid: container.init.pid, cgroups: container.cgroups };
  const plan = joinPlan(config, situation, place, {
    ...{ keepPath, dir: runDir, logDir: runDir, runDir, stdin: request.stdin },
    log: { driver: 'none', maxFiles: 1 },
    terminal: config.process.terminal === true,
    endPlan: encodePlan(end, initVersion()),
  });
  const owned = { cgroups: [], paths: [runDir] };
  const ownership = own(id, owned);
  try {
    if (hasEnded(container.init)) throw hasEndedError();
    mkdirSync(runDir, { mode: 0o700 });
    return await converse(await resident.perform(plan), {
      ...request,
      config,
      async born(_, monitor) {
        // The monitor holds a process of the container, so from now on its pid cannot become another's.
        if (hasEnded(container.init)) throw hasEndedError();
        own(id, owned, monitor.pid);
      },
    });
  } catch (error) {
    await ownership[Symbol.asyncDispose]();
    throw error;
  }
}

const hasEndedError = () => new VlabError('operation', 'the container has ended', { exitCode: 1 });
