/**
 * Profiles of `--security-opt seccomp=FILE`: docker's form (its docs, "Seccomp security profiles") has rules that depend on
 * the architecture, the capabilities and the kernel, and is made into linux.seccomp of config-linux.md, which is taken as it is.
 * Pure.
 */
import { parseSeccomp } from '../../container/config/parse-config.js';
import type { OciSeccomp } from '../../container/config/schema.js';
import { notifies } from '../../container/seccomp/profile.js';
import type { Arch } from '../../sys/abi.js';
import { refuse } from '../define/asked-error.js';

interface Filter {
  caps?: string[];
  arches?: string[];
  minKernel?: string;
}

interface DockerRule {
  name?: string;
  names?: string[];
  includes?: Filter;
  excludes?: Filter;
  comment?: string;
}

/** Go's names, which docker's filters use. */
const GO_ARCH: Record<Arch, string> = { x86_64: 'amd64', aarch64: 'arm64' };
const SECCOMP_ARCH: Record<Arch, string> = { x86_64: 'SCMP_ARCH_X86_64', aarch64: 'SCMP_ARCH_AARCH64' };

/** Error (`input`): it is no profile, or needs somebody who is asked. */
export function readSeccompProfile(text: string, arch: Arch, capabilities: readonly string[]): OciSeccomp {
  const name = 'the profile of --security-opt seccomp';
  let profile: Record<string, unknown>;
  try {
    profile = JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw refuse(`opening seccomp profile failed: ${(cause as Error).message}`);
  }
  const read = parseSeccomp(JSON.stringify(isDockers(profile) ? plain(profile, arch, capabilities) : profile), name);
  if (notifies(read)) throw refuse(`${name}: SCMP_ACT_NOTIFY needs somebody who answers, which vlab run has not`);
  return read;
}

function isDockers(profile: Record<string, unknown>): boolean {
  const rules = (profile.syscalls ?? []) as DockerRule[];
  return 'archMap' in profile || rules.some((rule) => rule.name ?? rule.includes ?? rule.excludes);
}

function plain(profile: Record<string, unknown>, arch: Arch, capabilities: readonly string[]) {
  const { archMap, architectures, syscalls = [], ...rest } = profile;
  const map = (archMap ?? []) as { architecture: string; subArchitectures?: string[] }[];
  const own = map.find(({ architecture }) => architecture === SECCOMP_ARCH[arch]);
  const rules = (syscalls as DockerRule[]).filter(({ includes, excludes }) => {
    const applies = (filter: Filter, every: boolean) => holds(filter, arch, capabilities, every);
    return !(includes && !applies(includes, true)) && !(excludes && applies(excludes, false));
  });
  return {
    ...rest,
    architectures: own ? [own.architecture, ...(own.subArchitectures ?? [])] : architectures,
    syscalls: rules.map(({ name, names, includes: _includes, excludes: _excludes, comment: _comment, ...rule }) => ({
      ...rule,
      names: names ?? (name === undefined ? [] : [name]),
    })),
  };
}

/** An `includes` wants all that it names (of architectures one); an `excludes` is enough with one. Kernels: vlab's are newer. */
function holds(
  { caps = [], arches = [], minKernel }: Filter,
  arch: Arch,
  capabilities: readonly string[],
  every: boolean,
) {
  const facts = [
    ...caps.map((name) => capabilities.includes(name)),
    ...(arches.length > 0 ? [arches.includes(GO_ARCH[arch])] : []),
    ...(minKernel === undefined ? [] : [true]),
  ];
  return every ? facts.every(Boolean) : facts.some(Boolean);
}
