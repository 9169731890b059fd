/** Starts a container of the engine: performs its plan by the launcher and answers what the plan tells (start-plan.ts). */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withCleanUp } from '../../base/errors.js';
import { privateDir, runDir as wholeRunDir } from '../../base/paths.js';
import { CGROUP_PARENT } from '../../container/cgroup/places.js';
import { cgroupOf, forInit, type PlannedCgroup, usualCgroup } from '../../container/cgroup/planned-cgroup.js';
import type { Situation } from '../../container/situation.js';
import { situationFor } from '../../container/situation-for.js';
import { writeIdMaps } from '../../container/write-id-maps.js';
import { encodePlan } from '../../sys/encode.js';
import { initVersion, nativeBinary } from '../../sys/native.js';
import { own, ownerRecordPath } from '../../sys/owners.js';
import { CONTAINER_FILES } from '../record/container-files.js';
import { converse } from './converse.js';
import { endPlan } from './end-plan.js';
import { engineLauncher } from './engine-launcher.js';
import { sized } from './sized.js';
import { startPlan } from './start-plan.js';
import type { Started, StartRequest } from './start-request.js';

/** What `pause`, `stats` and `update` act on, whether a limit asks for it or not. */
const FURTHER_CONTROLLERS = ['freezer', 'blkio', 'io', 'cpuset'];

/**
 * Below a directory of somebody's (`--cgroup-parent`) it is looked at first what is there. An init divides every hierarchy there is;
 * the others are spared those that they do not use.
 */
function cgroupFor({ config, id, system }: StartRequest, situation: Situation): PlannedCgroup {
  if (system) return forInit(cgroupOf(config, id, situation));
  const path = config.linux.cgroupsPath ?? '';
  const isOwnPlace = !path.startsWith('/') || dirname(path) === `/${CGROUP_PARENT}`;
  return isOwnPlace ? usualCgroup(config, situation, FURTHER_CONTROLLERS) : cgroupOf(config, id, situation);
}

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
  const planned = request.cgroup ?? cgroupFor(request, situation);
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
    const running = await converse(performance, {
      ...request,
      config,
      async born(init, monitor) {
        own(id, owned, monitor.pid);
        if (mapsFor) await writeIdMaps(init.pid, config, mapsFor.rootless);
        await request.onBorn?.(init, monitor, cgroup);
      },
    });
    return { ...running, cgroups };
  } catch (error) {
    return withCleanUp<never>(
      async () => {
        throw error;
      },
      () => ownership[Symbol.asyncDispose](),
    );
  }
}
