/** The manifest as it changes: when a run begins, when it is taken up again, when it ends. Pure. */
import type { BenchRequest } from './bench.js';
import type { Manifest } from './manifest.js';
import type { PreparedArm } from './prepare-arms.js';
import type { Pressure } from './pressure.js';
import type { Surroundings } from './provenance.js';
import type { Rootfs } from './rootfs.js';

export interface Beginning {
  run: string;
  arms: readonly PreparedArm[];
  rootfs: Rootfs;
  programSha256: string;
  trialsPlanned: number;
  surroundings: Surroundings;
  pressure: Pressure;
  now: Date;
}

/** Before the first trial. Should the run be killed, this is what stays. */
export function newManifest({ scenario, argv, command, seed }: BenchRequest, beginning: Beginning): Manifest {
  const { name, title, question, metric, baseline, ready, blocks, warmup, deadlineMs, payload } = scenario;
  const { files, ...program } = payload;
  const { rootfs } = beginning;
  return {
    format: 1,
    run: beginning.run,
    scenario: { name, title, question, metric, baseline, ready, blocks, warmup, deadlineMs },
    argv,
    command,
    seed,
    arms: beginning.arms.map(manifestArm),
    payload: {
      ...program,
      ...(rootfs.image === undefined ? files : { image: rootfs.image }),
      rootfsDir: rootfs.dir,
      rootfsDigest: rootfs.digest,
      programSha256: beginning.programSha256,
    },
    ...beginning.surroundings,
    pressureBefore: beginning.pressure,
    trialsPlanned: beginning.trialsPlanned,
    partial: true,
    partialReason: 'the run goes on, or was killed',
    remarks: [],
    startedAt: beginning.now.toISOString(),
    resumedAt: [],
  };
}

/** Before the first trial after an interruption. What is no longer as it was becomes a remark. */
export function resumedManifest(
  before: Manifest,
  arms: readonly PreparedArm[],
  surroundings: Surroundings,
  now: Date,
): Manifest {
  const changed: string[] = [];
  const compare = (what: string, was: string | undefined, is: string | undefined): void => {
    if (was !== is)
      changed.push(`${what} was ${was || 'unknown'} at first, and is ${is || 'unknown'} since it went on`);
  };
  for (const { arm, version, accel, excluded } of arms) {
    const first = before.arms.find(({ label }) => label === arm.label);
    if (!first || excluded) continue;
    compare(`the version of ${arm.label}`, first.version, version);
    compare(`the accelerator of ${arm.label}`, first.accel, accel);
  }
  for (const name of Object.keys(before.versions)) {
    compare(`the version of ${name}`, before.versions[name], surroundings.versions[name]);
  }
  compare('the commit of vlab', before.git?.commit, surroundings.git?.commit);
  compare('the processor', before.host.cpu?.model, surroundings.host.cpu?.model);
  return {
    ...before,
    partialReason: 'the run goes on, or was killed',
    remarks: [...before.remarks, ...changed.filter((remark) => !before.remarks.includes(remark))],
    resumedAt: [...before.resumedAt, now.toISOString()],
  };
}

/** At the end. `reason` is why it is partial; absent for a whole run. */
export function endedManifest(
  before: Manifest,
  end: { reason: string | undefined; remarks: readonly string[]; pressure: Pressure; now: Date },
): Manifest {
  const { partialReason: _, ...rest } = before;
  return {
    ...rest,
    pressureAfter: end.pressure,
    partial: end.reason !== undefined,
    ...(end.reason === undefined ? {} : { partialReason: end.reason }),
    remarks: [...before.remarks, ...end.remarks],
    endedAt: end.now.toISOString(),
  };
}

function manifestArm({
  arm: { label, driver, options, limits, every },
  boundary,
  summary,
  version,
  accel,
  notes,
  circumstances,
  excluded,
}: PreparedArm): Manifest['arms'][number] {
  return {
    label,
    driver,
    boundary,
    summary,
    version,
    accel,
    options,
    limits,
    every,
    notes,
    ...(circumstances ? { circumstances } : {}),
    ...(excluded ? { excluded: excluded.reason } : {}),
  };
}
