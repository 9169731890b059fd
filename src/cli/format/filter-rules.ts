/** The filters of `ps`, `images`, `network ls` and `volume ls`: what each key asks of a row. Pure. */
import {
  type FilterRule,
  type FilterRules,
  isTrue,
  labelRule,
  nameMatches,
  noLabelRule,
  oneOf,
  TRUTH_VALUES,
} from './filter.js';

export interface ContainerFacts {
  id: string;
  names: readonly string[];
  labels: Readonly<Record<string, string>>;
  state: string;
  exitCode?: number | undefined;
  health?: string | undefined;
  createdAtMs: number;
  /** Names and ids by which its image, and every image below that one, can be asked for. */
  ancestors: readonly string[];
  /** Names and ids. */
  networks: readonly string[];
  /** Names of volumes, their sources and their places in the container. */
  volumes: readonly string[];
  /** `80/tcp`: published and exposed. */
  published: readonly string[];
  exposed: readonly string[];
}

const STATES = ['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead'];
const HEALTH = ['starting', 'healthy', 'unhealthy', 'none'];
const notNumber = (wanted: string) => (/^\d+$/.test(wanted) ? undefined : 'it is a number');
const truth = oneOf(TRUTH_VALUES);

/**
 * `createdAtMsOf` says when the container that `before` or `since` names was made; it throws for one that is not there.
 */
export function containerRules(createdAtMsOf: (reference: string) => number): FilterRules<ContainerFacts> {
  return {
    id: { match: ({ id }, wanted) => id.startsWith(wanted) },
    name: { match: ({ names }, wanted) => names.some((name) => nameMatches(name, wanted.replace(/^(\^?)\//, '$1'))) },
    label: labelRule(({ labels }) => labels),
    status: { match: ({ state }, wanted) => state === wanted, check: oneOf(STATES) },
    exited: {
      match: ({ state, exitCode }, wanted) => state === 'exited' && exitCode === Number(wanted),
      check: notNumber,
    },
    health: { match: ({ health = 'none' }, wanted) => health === wanted, check: oneOf(HEALTH) },
    ancestor: { match: ({ ancestors }, wanted) => ancestors.some((name) => names(name, wanted)) },
    before: { match: ({ createdAtMs }, wanted) => createdAtMs < createdAtMsOf(wanted) },
    since: { match: ({ createdAtMs }, wanted) => createdAtMs > createdAtMsOf(wanted) },
    network: { match: ({ networks }, wanted) => networks.some((name) => names(name, wanted)) },
    volume: { match: ({ volumes }, wanted) => volumes.includes(wanted) },
    publish: { match: ({ published }, wanted) => hasPort(published, wanted) },
    expose: { match: ({ exposed }, wanted) => hasPort(exposed, wanted) },
  };
}

/** The same name, or the beginning of an id. */
function names(known: string, wanted: string): boolean {
  if (known === wanted) return true;
  return /^[0-9a-f]{4,}$/.test(wanted) && /^(sha256:)?[0-9a-f]{64}$/.test(known)
    ? known.replace('sha256:', '').startsWith(wanted)
    : false;
}

/** `80`, `80/tcp` or `8000-8080/udp`. */
function hasPort(ports: readonly string[], wanted: string): boolean {
  const [, first, last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(wanted) ?? [];
  return ports.some((port) => {
    const [number = '', kind = 'tcp'] = port.split('/');
    return kind === protocol && Number(number) >= Number(first) && Number(number) <= Number(last);
  });
}

export interface ImageFacts {
  id: string;
  /** As docker shortens them: `busybox:latest`, `quay.io/a/b:1`. */
  references: readonly string[];
  labels: Readonly<Record<string, string>>;
  createdAtMs: number;
}

export function imageRules(createdAtMsOf: (reference: string) => number): FilterRules<ImageFacts> {
  return {
    dangling: { match: ({ references }, wanted) => (references.length === 0) === isTrue(wanted), check: truth },
    label: labelRule(({ labels }) => labels),
    before: { match: ({ createdAtMs }, wanted) => createdAtMs < createdAtMsOf(wanted) },
    since: { match: ({ createdAtMs }, wanted) => createdAtMs > createdAtMsOf(wanted) },
    reference: { match: ({ references }, wanted) => references.some((name) => referenceMatches(name, wanted)) },
    id: { match: ({ id }, wanted) => id.replace('sha256:', '').startsWith(wanted.replace('sha256:', '')) },
  };
}

/** reference.FamiliarMatch: a shell pattern for the name with its tag, for the name alone, where `*` stops at a slash. */
export function referenceMatches(reference: string, pattern: string): boolean {
  const wanted = shellPattern(pattern);
  const name = reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  return wanted.test(reference) || wanted.test(name);
}

/** Go's path.Match as a regular expression. */
function shellPattern(pattern: string): RegExp {
  const parts = pattern.matchAll(/\\(?<escaped>.)|\[(?<set>\^?(?:\\.|[^\]\\])+)\]|(?<sign>.)/gs);
  const source = [...parts].map(({ groups: { escaped, set, sign } = {} }) => {
    if (set !== undefined) return `[${set}]`;
    if (sign === '*') return '[^/]*';
    return sign === '?' ? '[^/]' : (escaped ?? sign ?? '').replace(/[^\w]/, '\\$&');
  });
  try {
    return new RegExp(`^${source.join('')}$`, 's');
  } catch {
    return /(?!)/;
  }
}

export interface NetworkFacts {
  id: string;
  name: string;
  driver: string;
  labels: Readonly<Record<string, string>>;
  scope: string;
  isBuiltIn: boolean;
  isUsed: boolean;
}

export const NETWORK_RULES: FilterRules<NetworkFacts> = {
  id: { match: ({ id }, wanted) => id.startsWith(wanted) },
  name: { match: ({ name }, wanted) => nameMatches(name, wanted) },
  driver: { match: ({ driver }, wanted) => driver === wanted },
  label: labelRule(({ labels }) => labels),
  scope: { match: ({ scope }, wanted) => scope === wanted, check: oneOf(['local', 'global', 'swarm']) },
  type: {
    match: ({ isBuiltIn }, wanted) => (wanted === 'builtin') === isBuiltIn,
    check: oneOf(['builtin', 'custom']),
  },
  dangling: { match: ({ isUsed, isBuiltIn }, wanted) => (!isUsed && !isBuiltIn) === isTrue(wanted), check: truth },
};

export interface VolumeFacts {
  name: string;
  driver: string;
  labels: Readonly<Record<string, string>>;
  isUsed: boolean;
}

export const VOLUME_RULES: FilterRules<VolumeFacts> = {
  name: { match: ({ name }, wanted) => nameMatches(name, wanted) },
  driver: { match: ({ driver }, wanted) => driver === wanted },
  label: labelRule(({ labels }) => labels),
  dangling: { match: ({ isUsed }, wanted) => !isUsed === isTrue(wanted), check: truth },
};

/** What `prune` commands can ask of anything that has labels and an age. `untilMs` reads a moment. */
export function pruneRules<Row extends { labels: Readonly<Record<string, string>>; createdAtMs: number }>(
  untilMs: (text: string) => number,
): FilterRules<Row> & { until: FilterRule<Row> } {
  return {
    until: { match: ({ createdAtMs }, wanted) => createdAtMs < untilMs(wanted) },
    label: labelRule(({ labels }) => labels),
    'label!': noLabelRule(({ labels }) => labels),
  };
}
