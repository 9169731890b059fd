/** What runtimes print, as schemas: schema/state-schema.json and features.md of the specification. */
import * as v from 'valibot';

/** semver.org, 2.0.0. */
export const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

const text = v.string();
const texts = v.array(text);
const yesOrNo = v.boolean();
const stringMap = v.record(v.pipe(text, v.minLength(1)), text);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** "MAY either be absent or have the null value." */
const perhaps = v.nullish;

/** More properties are allowed. `paused` and others may be added by a runtime (runtime.md#state). */
export const STATE = v.object({
  ociVersion: text,
  id: text,
  status: text,
  pid: v.exactOptional(count),
  bundle: text,
  annotations: v.exactOptional(stringMap),
});

const enabled = perhaps(v.strictObject({ enabled: perhaps(yesOrNo) }));

/** features.md and features-linux.md of 1.3; "MUST NOT contain properties that are not defined". */
export const FEATURES = v.strictObject({
  ociVersionMin: text,
  ociVersionMax: text,
  hooks: perhaps(texts),
  mountOptions: perhaps(texts),
  annotations: perhaps(stringMap),
  potentiallyUnsafeConfigAnnotations: perhaps(texts),
  linux: perhaps(
    v.strictObject({
      namespaces: perhaps(texts),
      capabilities: perhaps(texts),
      cgroup: perhaps(
        v.strictObject({
          v1: perhaps(yesOrNo),
          v2: perhaps(yesOrNo),
          systemd: perhaps(yesOrNo),
          systemdUser: perhaps(yesOrNo),
          rdma: perhaps(yesOrNo),
        }),
      ),
      seccomp: perhaps(
        v.strictObject({
          enabled: perhaps(yesOrNo),
          actions: perhaps(texts),
          operators: perhaps(texts),
          archs: perhaps(texts),
          knownFlags: perhaps(texts),
          supportedFlags: perhaps(texts),
        }),
      ),
      apparmor: enabled,
      selinux: enabled,
      memoryPolicy: perhaps(v.strictObject({ modes: perhaps(texts), flags: perhaps(texts) })),
      intelRdt: perhaps(
        v.strictObject({ enabled: perhaps(yesOrNo), schemata: perhaps(yesOrNo), monitoring: perhaps(yesOrNo) }),
      ),
      mountExtensions: perhaps(v.strictObject({ idmap: enabled })),
      netDevices: enabled,
    }),
  ),
});

export type Features = v.InferOutput<typeof FEATURES>;
