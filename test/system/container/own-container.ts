/** A container of a test's own in any cgroup, started and ended by the test, without a command line around it. */
import { readlinkSync } from 'node:fs';
import type { Cgroup } from '../../../src/container/cgroup/cgroup.js';
import { isPaused, resume } from '../../../src/container/cgroup/freezer.js';
import type { CgroupPlace } from '../../../src/container/cgroup/places.js';
import { cgroupOf, type PlannedCgroup } from '../../../src/container/cgroup/planned-cgroup.js';
import { removeContainerCgroup } from '../../../src/container/cgroup/remove.js';
import { defaultConfig } from '../../../src/container/config/default-config.js';
import type { OciConfig, OciResources } from '../../../src/container/config/schema.js';
import { runPlan } from '../../../src/container/run-plan.js';
import { readSituation, type Situation } from '../../../src/container/situation.js';
import type { Performance } from '../../../src/sys/channel.js';
import { startOnce } from '../../../src/sys/perform-once.js';
import { signalIfThere } from '../../../src/sys/signal.js';
import { readObserved } from '../../../src/sys/stamps.js';
import { until } from '../sys/own-launcher.js';

export interface OwnContainerOptions {
  rootfs: string;
  id: string;
  /** What the probe is to do. */
  words?: readonly string[];
  /** null: the configuration names none. */
  cgroupsPath?: string | null;
  resources?: OciResources;
  /** Default: every hierarchy of this machine. */
  places?: CgroupPlace[];
}

export function ownConfig({ rootfs, id, words = ['sleep', '60'], ...options }: OwnContainerOptions): OciConfig {
  const { linux, ...config } = defaultConfig({ id, rootfs, command: ['/probe', ...words], env: {}, ...rootless() });
  const { cgroupsPath: _, ...rest } = linux;
  const path = options.cgroupsPath === undefined ? `/${id}` : options.cgroupsPath;
  const resources = { ...linux.resources, ...options.resources };
  return {
    ...config,
    linux: { ...rest, resources, ...(path === null ? {} : { cgroupsPath: path }) },
  };
}

/** Who has no root gets a user namespace of his own id. */
function rootless(): { rootless?: { uid: number; gid: number } } {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return uid === 0 ? {} : { rootless: { uid, gid } };
}

export function ownSituation(places?: CgroupPlace[]): Situation {
  const { maskedPaths, readonlyPaths } = ownConfig({ rootfs: '/', id: 'any' }).linux;
  const situation = readSituation([...maskedPaths, ...readonlyPaths]);
  return places ? { ...situation, cgroups: places } : situation;
}

export class OwnContainer implements AsyncDisposable {
  private constructor(
    readonly cgroup: Cgroup,
    readonly pid: number,
    private readonly performance: Performance,
  ) {}

  /** Resolves when its program runs. Throws why it does not. */
  static async start(options: OwnContainerOptions): Promise<OwnContainer> {
    const config = ownConfig(options);
    const situation = ownSituation(options.places);
    return OwnContainer.startPlanned(config, situation, cgroupOf(config, options.id, situation));
  }

  static async startPlanned(config: OciConfig, situation: Situation, planned: PlannedCgroup): Promise<OwnContainer> {
    const { plan } = runPlan(config, situation, { cgroup: planned });
    const performance = await startOnce(plan, { stdio: ['ignore', 'ignore', 'inherit'] });
    const failed = performance.ended.then(({ failure }) => {
      if (failure) throw failure;
      return 0;
    });
    const noted = new Promise<number>((resolve) => {
      performance.onNote = (payload) => resolve(readObserved(payload).pid);
    });
    try {
      const pid = await Promise.race([noted, failed]);
      await Promise.race([until(() => runsProbe(pid), 'its program runs'), failed]);
      return new OwnContainer(planned.cgroup, pid, performance);
    } catch (error) {
      await performance.ended.catch(() => {});
      await removeContainerCgroup(planned.cgroup);
      throw error;
    }
  }

  /** How its program ended. */
  async ended(): Promise<unknown> {
    const { failure, reply } = await this.performance.ended;
    if (failure) throw failure;
    return readObserved(reply).exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    signalIfThere(this.pid, 'SIGKILL');
    if (isPaused(this.cgroup)) await resume(this.cgroup);
    await this.performance.ended.catch(() => {});
    await removeContainerCgroup(this.cgroup);
  }
}

function runsProbe(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`).endsWith('/probe');
  } catch {
    return false; // it has ended
  }
}
