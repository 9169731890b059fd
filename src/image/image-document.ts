/** An image in the shape of docker's API ("Inspect an image"), which `inspect` shows. Pure. */
import { familiarName, parseReference } from './reference.js';
import type { Image } from './store/image.js';

/** Fields in docker's order. `Size`: bytes as the store has them; docker counts those of unpacked layers. */
export function imageDocument(image: Image): Record<string, unknown> {
  const { config } = image;
  const shown = (name: string) => familiarName(parseReference(name));
  const last = config.history?.at(-1);
  return {
    Id: image.id,
    RepoTags: image.references.map(shown),
    RepoDigests: image.repoDigests.map(shown),
    Parent: '',
    Comment: last?.comment ?? '',
    Created: image.createdAt,
    DockerVersion: '',
    Author: config.author ?? '',
    Config: runDocument(image),
    Architecture: config.architecture,
    ...(config.variant !== undefined && { Variant: config.variant }),
    Os: config.os,
    ...(config['os.version'] !== undefined && { OsVersion: config['os.version'] }),
    Size: image.sizeBytes,
    GraphDriver: { Data: null, Name: 'overlay2' },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: '0001-01-01T00:00:00Z' },
    Descriptor: image.descriptor,
  };
}

function runDocument({ config: { config = {} } }: Image): Record<string, unknown> {
  return {
    Hostname: '',
    Domainname: '',
    User: config.User ?? '',
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(config.ExposedPorts && { ExposedPorts: config.ExposedPorts }),
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: config.Env ?? null,
    Cmd: config.Cmd ?? null,
    ...(config.Healthcheck && { Healthcheck: config.Healthcheck }),
    Image: '',
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: config.Entrypoint ?? null,
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? null,
    ...(config.StopSignal !== undefined && { StopSignal: config.StopSignal }),
    ...(config.StopTimeout !== undefined && { StopTimeout: config.StopTimeout }),
    ...(config.Shell && { Shell: config.Shell }),
  };
}
