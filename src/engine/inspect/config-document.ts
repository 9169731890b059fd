/** `Config` of a container's document: what runs in it. Pure. */
import { asMap } from '../../base/go-map.js';
import type { ContainerDefinition, HealthCheck } from '../define/definition.js';

const NS_PER_MS = 1_000_000;

/** Path and Args of the document. */
export function createdCommand(definition: ContainerDefinition): { path: string; args: string[] } {
  const [path = '', ...args] = definition.args;
  return { path, args };
}

export function runConfigDocument(definition: ContainerDefinition) {
  const { root, attach, network, stopTimeoutS } = definition;
  const volumes = definition.mounts.filter((mount) => mount.kind === 'volume' && mount.anonymous);
  return {
    Hostname: definition.hostname,
    Domainname: definition.domainname ?? '',
    User: definition.user,
    AttachStdin: attach.stdin,
    AttachStdout: attach.stdout,
    AttachStderr: attach.stderr,
    ...(network.exposed.length > 0 && { ExposedPorts: setOf(network.exposed) }),
    Tty: definition.tty,
    OpenStdin: definition.openStdin,
    StdinOnce: definition.stdinOnce,
    Env: definition.env,
    Cmd: definition.command ?? null,
    ...(definition.healthCheck && { Healthcheck: healthDocument(definition.healthCheck) }),
    Image: root.kind === 'image' ? root.asked : root.path,
    Volumes: volumes.length > 0 ? setOf(volumes.map(({ destination }) => destination)) : null,
    WorkingDir: definition.cwd === '/' ? '' : definition.cwd,
    Entrypoint: definition.entrypoint ?? null,
    OnBuild: null,
    Labels: asMap(definition.labels),
    StopSignal: definition.stopSignal,
    ...(stopTimeoutS !== undefined && { StopTimeout: stopTimeoutS }),
  };
}

/** Times in nanoseconds, as Go's time.Duration is written. */
function healthDocument(check: HealthCheck) {
  return {
    Test: check.test,
    Interval: check.intervalMs * NS_PER_MS,
    Timeout: check.timeoutMs * NS_PER_MS,
    StartPeriod: check.startPeriodMs * NS_PER_MS,
    StartInterval: check.startIntervalMs * NS_PER_MS,
    Retries: check.retries,
  };
}

function setOf(names: readonly string[]): Record<string, object> {
  return asMap(Object.fromEntries(names.map((name) => [name, {}])));
}
