/** The configuration of an image (image-spec config.md, and docker's image specification 1.2, which has more in `config`). */
import * as v from 'valibot';
import { VlabError } from '../base/errors.js';
import type { Digest } from './descriptor.js';
import { digestOf, isDigest } from './digest.js';
import { parseJsonAs } from './manifest.js';

/** HEALTHCHECK: times are nanoseconds. `Test` begins with NONE, CMD or CMD-SHELL. */
export interface HealthConfig {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

/** What a container of the image runs with where nothing else is said. Names are the specification's. */
export interface ImageRunConfig {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  /** Docker's. Seconds. */
  StopTimeout?: number;
  /** Docker's. */
  Shell?: string[];
  Healthcheck?: HealthConfig;
  OnBuild?: string[];
}

export interface HistoryEntry {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

export interface ImageConfig {
  architecture: string;
  os: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
  /** RFC 3339. */
  created?: string;
  author?: string;
  config?: ImageRunConfig;
  rootfs: { type: 'layers'; diff_ids: Digest[] };
  history?: HistoryEntry[];
}

/** Builders in Go write `null` for what is empty. */
const strings = v.nullish(v.array(v.string()));
const sets = v.nullish(v.record(v.string(), v.any()));
const count = v.nullish(v.pipe(v.number(), v.integer()));
const Health = v.looseObject({
  Test: strings,
  Interval: count,
  Timeout: count,
  StartPeriod: count,
  StartInterval: count,
  Retries: count,
});
const Run = v.looseObject({
  User: v.nullish(v.string()),
  ExposedPorts: sets,
  Env: strings,
  Entrypoint: strings,
  Cmd: strings,
  Volumes: sets,
  WorkingDir: v.nullish(v.string()),
  Labels: v.nullish(v.record(v.string(), v.string())),
  StopSignal: v.nullish(v.string()),
  StopTimeout: count,
  Shell: strings,
  Healthcheck: v.nullish(Health),
  OnBuild: strings,
});
const History = v.looseObject({
  created: v.nullish(v.string()),
  created_by: v.nullish(v.string()),
  author: v.nullish(v.string()),
  comment: v.nullish(v.string()),
  empty_layer: v.nullish(v.boolean()),
});
const DiffId = v.custom<Digest>((digest) => typeof digest === 'string' && isDigest(digest), 'is no digest');
const Config = v.looseObject({
  architecture: v.string(),
  os: v.string(),
  variant: v.nullish(v.string()),
  created: v.nullish(v.string()),
  author: v.nullish(v.string()),
  config: v.nullish(Run),
  rootfs: v.looseObject({ type: v.literal('layers'), diff_ids: v.nullish(v.array(DiffId), []) }),
  history: v.nullish(v.array(History)),
});

/** What is `null` is left out. Error (`operation`): `bytes` are no configuration of an image. */
export function parseImageConfig(bytes: Uint8Array, name: string): ImageConfig {
  return withoutNulls(parseJsonAs(bytes, Config, `the configuration ${name}`)) as ImageConfig;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .map(([key, inner]) => [key, withoutNulls(inner)]),
  );
}

/**
 * The chain ids of a stack of layers, the lowest first (config.md, "Layer ChainID"): each names a layer together with all that
 * is under it.
 */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}

/** Error (`operation`): the configuration has another number of layers than the manifest. */
export function mustHaveLayers(config: ImageConfig, layers: number, name: string): void {
  const known = config.rootfs.diff_ids.length;
  if (known === layers) return;
  throw new VlabError('operation', `the image ${name} has ${layers} layers, and its configuration knows of ${known}`);
}
