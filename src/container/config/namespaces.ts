/** Which namespaces a container has of its own, which it shares, and who writes the maps of ids (namespaces(7)). Pure. */
import type { HostAbilities } from '../host-abilities.js';
import { configError } from './parse-config.js';
import type { OciConfig, OciIdMapping, OciNamespaceType } from './schema.js';

export interface JoinedNamespace {
  type: OciNamespaceType;
  path: string;
  /** The JSON path. */
  from: string;
}

export interface Namespaces {
  /** New ones, in the order of the configuration. */
  created: OciNamespaceType[];
  joined: JoinedNamespace[];
  /** New or joined, and not the runtime's own under another name. */
  apart(type: OciNamespaceType): boolean;
  isNew(type: OciNamespaceType): boolean;
  /**
   * Who writes uid_map and gid_map of a new user namespace: the process itself (one id, its own), or somebody outside of it
   * with privileges over the ids. Undefined without one.
   */
  maps: 'own' | 'outside' | undefined;
}

interface Circumstances {
  rootless: { uid: number; gid: number } | undefined;
  host: Pick<HostAbilities, 'isOwnNamespace'>;
}

/** Errors: `input` with the JSON path. */
export function namespacesOf(config: OciConfig, { rootless, host }: Circumstances): Namespaces {
  const { namespaces, uidMappings = [], gidMappings = [] } = config.linux;
  namespaces.forEach(({ type }, index) => {
    if (namespaces.findIndex((other) => other.type === type) < index) {
      throw configError(`linux.namespaces[${index}].type`, `is there twice: ${type}`);
    }
  });
  const created = namespaces.filter(({ path }) => !path).map(({ type }) => type);
  const joined = namespaces.flatMap(({ type, path }, index) =>
    path ? [{ type, path, from: `linux.namespaces[${index}].path` }] : [],
  );
  const isNew = (type: OciNamespaceType) => created.includes(type);
  const apart = (type: OciNamespaceType) => {
    const other = joined.find((one) => one.type === type);
    return isNew(type) || (other !== undefined && !host.isOwnNamespace(type, other.path));
  };
  const hasUser = namespaces.some(({ type }) => type === 'user');
  for (const [name, mappings] of Object.entries({ uidMappings, gidMappings })) {
    if (mappings.length > 0 && !hasUser)
      throw configError(`linux.${name}`, 'needs a user namespace in linux.namespaces');
    if (mappings.length === 0 && isNew('user'))
      throw configError(`linux.${name}`, 'is needed with a new user namespace');
  }
  if (isNew('user')) checkMapped(config);
  for (const name of ['hostname', 'domainname'] as const) {
    if (config[name] && !apart('uts')) throw configError(name, "would be the host's: it needs a uts namespace");
  }
  if (config.linux.timeOffsets && !isNew('time')) {
    throw configError('linux.timeOffsets', 'needs a new time namespace in linux.namespaces');
  }
  const own =
    rootless && isOnly(uidMappings, rootless.uid) && isOnly(gidMappings, rootless.gid) ? ('own' as const) : undefined;
  return { created, joined, apart, isNew, maps: isNew('user') ? (own ?? 'outside') : undefined };
}

const isOnly = ([only, ...more]: readonly OciIdMapping[], id: number) =>
  more.length === 0 && only?.size === 1 && only.hostID === id;

/** The id on the host, or undefined when the namespace has no such id. */
export function hostId(mappings: readonly OciIdMapping[] | undefined, id: number): number | undefined {
  const range = mappings?.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return range && range.hostID + id - range.containerID;
}

function checkMapped(config: OciConfig): void {
  const { uid, gid, additionalGids = [] } = config.process.user;
  const { uidMappings, gidMappings } = config.linux;
  const check = (path: string, id: number, mappings: OciIdMapping[] | undefined, name: string) => {
    if (hostId(mappings, id) === undefined) throw configError(path, `is ${id}, which linux.${name} does not map`);
  };
  check('process.user.uid', uid, uidMappings, 'uidMappings');
  check('process.user.gid', gid, gidMappings, 'gidMappings');
  additionalGids.forEach((id, index) => {
    check(`process.user.additionalGids[${index}]`, id, gidMappings, 'gidMappings');
  });
}
