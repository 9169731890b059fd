/**
 * A definition and the facts of the moment → the OCI configuration that the container is started by, as docker's daemon makes
 * it (moby's daemon/oci_linux.go). Pure.
 */

import { DEFAULT_CAPABILITIES } from '../../container/config/capabilities.js';
import {
  DEFAULT_DEVICES,
  DEFAULT_PATH,
  INIT_PATH,
  MASKED_PATHS,
  READONLY_PATHS,
} from '../../container/config/default-config.js';
import { defaultSeccomp } from '../../container/config/default-seccomp.js';
import type { OciConfig, OciDeviceRule, OciSeccomp } from '../../container/config/schema.js';
import { SYSTEM_CAPABILITIES, systemEnvironment } from '../../container/config/system-config.js';
import type { ContainerDefinition } from '../define/definition.js';
import { capabilitiesOf } from './capabilities.js';
import type { SpecFacts } from './facts.js';
import { mountsFor, rootPropagation } from './mounts.js';
import { namespacesFor } from './namespaces.js';
import { ociResourcesOf } from './resources.js';
import { readSeccompProfile } from './seccomp-profile.js';
import { settableGroups } from './user.js';

/** docker's own, where the network is the container's own: who is not root may ping, and serve low ports. */
const OWN_NETWORK_SYSCTLS = { 'net.ipv4.ip_unprivileged_port_start': '0' };
const PING_SYSCTLS = { 'net.ipv4.ping_group_range': '0 2147483647' };

/** Errors (`input`): a profile of system calls that is none, unknown capabilities; what the facts should have and do not (RangeError). */
export function ociConfigOf(definition: ContainerDefinition, facts: SpecFacts): OciConfig {
  const { security, namespaces, annotations } = definition;
  const { privileged } = security;
  const granted = capabilitiesOf(security, definition.system ? SYSTEM_CAPABILITIES : DEFAULT_CAPABILITIES);
  const seccomp = seccompOf(definition, facts, granted);
  const limits = ociResourcesOf(facts.resources ?? definition.resources, facts).resources;
  const masked = security.maskPaths && !privileged;
  const ownName = namespaces.uts === 'private';
  const { idMaps } = facts;
  const groups = settableGroups(facts.user.additionalGids, idMaps?.gid);
  return {
    ociVersion: '1.2.0',
    process: {
      ...(definition.tty ? { terminal: true } : {}),
      user: {
        uid: facts.user.uid,
        gid: facts.user.gid,
        umask: 0o022,
        ...(groups.length > 0 ? { additionalGids: groups } : {}),
      },
      args: [...(definition.init ? [INIT_PATH, '--'] : []), ...definition.args],
      env: environmentOf(definition, facts),
      cwd: definition.cwd,
      capabilities: capabilitySets(granted, facts.user.uid),
      noNewPrivileges: security.noNewPrivileges,
      ...(definition.ulimits.length > 0 ? { rlimits: definition.ulimits.map(rlimit) } : {}),
      ...(definition.oomScoreAdj === undefined ? {} : { oomScoreAdj: definition.oomScoreAdj }),
    },
    root: { path: facts.rootPath, ...(definition.readonlyRoot ? { readonly: true } : {}) },
    ...(ownName ? { hostname: definition.hostname } : {}),
    ...(ownName && definition.domainname ? { domainname: definition.domainname } : {}),
    mounts: mountsFor(definition, facts),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    linux: {
      namespaces: namespacesFor(definition, facts),
      ...(idMaps ? { uidMappings: [...idMaps.uid], gidMappings: [...idMaps.gid] } : {}),
      devices: [...DEFAULT_DEVICES, ...facts.devices.map(({ device }) => device)].filter(lastOfPath),
      cgroupsPath: cgroupsPathOf(definition, facts),
      resources: { devices: deviceRules(definition, facts), ...limits },
      rootfsPropagation: rootPropagation(definition),
      ...(seccomp ? { seccomp } : {}),
      sysctl: sysctlsOf(definition, facts),
      maskedPaths: masked ? MASKED_PATHS : [],
      readonlyPaths: masked ? READONLY_PATHS : [],
    },
  };
}

function environmentOf(definition: ContainerDefinition, facts: SpecFacts): string[] {
  const { hostname, domainname, tty, system } = definition;
  const fullName = domainname ? `${hostname}.${domainname}` : hostname;
  const entries = [
    `PATH=${DEFAULT_PATH}`,
    `HOSTNAME=${fullName}`,
    ...(tty ? ['TERM=xterm'] : []),
    ...definition.env,
    ...(system ? systemEnvironment(definition.id.slice(0, 32)) : []),
  ];
  const byName = new Map(entries.map((entry) => [entry.split('=', 1)[0] ?? '', entry]));
  if (!byName.has('HOME')) byName.set('HOME', `HOME=${facts.user.home}`);
  return [...byName.values()];
}

/** Of another user than root only the bounding set, from which set-user-id programs and file capabilities take: as execve(2) has it. */
function capabilitySets(granted: string[], uid: number) {
  const own = uid === 0 ? granted : [];
  return { bounding: granted, effective: own, permitted: own, inheritable: [], ambient: [] };
}

function rlimit({ name, soft, hard }: ContainerDefinition['ulimits'][number]) {
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: unlimitedOr(soft), hard: unlimitedOr(hard) };
}

const RLIM_INFINITY = (1n << 64n) - 1n;
const unlimitedOr = (value: number) => (value < 0 ? RLIM_INFINITY : value);

function seccompOf({ security }: ContainerDefinition, { arch }: SpecFacts, granted: string[]): OciSeccomp | undefined {
  const { seccomp, privileged } = security;
  if (seccomp.kind === 'profile') return readSeccompProfile(seccomp.profile, arch, granted);
  return seccomp.kind === 'unconfined' || privileged ? undefined : defaultSeccomp(arch, granted);
}

function deviceRules(definition: ContainerDefinition, facts: SpecFacts): OciDeviceRule[] {
  if (definition.security.privileged) return [{ allow: true, type: 'a', access: 'rwm' }];
  return [
    { allow: false, type: 'a', access: 'rwm' },
    ...facts.devices.flatMap(({ device, access }) =>
      device.type === 'p'
        ? []
        : [
            {
              allow: true,
              type: device.type === 'b' ? 'b' : 'c',
              ...numbersOf(device),
              access,
            } satisfies OciDeviceRule,
          ],
    ),
    ...definition.deviceRules.map((rule) => ({ allow: true, ...rule })),
  ];
}

function numbersOf({ major, minor }: { major?: number; minor?: number }) {
  return { ...(major === undefined ? {} : { major }), ...(minor === undefined ? {} : { minor }) };
}

function lastOfPath<T extends { path: string }>(one: T, index: number, all: readonly T[]): boolean {
  return all.findLastIndex(({ path }) => path === one.path) === index;
}

function sysctlsOf({ network, sysctls }: ContainerDefinition, { idMaps }: SpecFacts): Record<string, string> {
  const own = network.mode === 'none' || network.mode === 'networks';
  return { ...(own ? OWN_NETWORK_SYSCTLS : {}), ...(own && !idMaps ? PING_SYSCTLS : {}), ...sysctls };
}

/** Without root it is below what was delegated, wherever that is. */
function cgroupsPathOf({ id, cgroupParent }: ContainerDefinition, { rootless }: SpecFacts): string {
  if (cgroupParent) return `/${cgroupParent.replace(/^\/+|\/+$/g, '')}/${id}`;
  return rootless ? id : `/vlab/${id}`;
}
