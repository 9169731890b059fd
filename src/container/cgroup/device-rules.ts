/**
 * linux.resources.devices: which device nodes a container may open and make (config-linux.md, "Allowed Device list"). Pure.
 * Rules apply in their order, each access (read, write, mknod) for itself: what the last rule says that names it.
 */
import { configError } from '../config/parse-config.js';
import type { OciDeviceRule } from '../config/schema.js';
import { resourcePath } from './resource-write.js';

export interface DeviceRule {
  allow: boolean;
  type: 'b' | 'c';
  /** Undefined: every number. */
  major: number | undefined;
  minor: number | undefined;
  /** Some of r, w and m. */
  access: string;
  from: string;
}

/** What holds for devices that no rule names, and the rules. */
export interface DeviceRules {
  others: 'allowed' | 'denied';
  rules: DeviceRule[];
}

const ALL = 'rwm';

function always(type: 'b' | 'c', major: number | undefined, minor: number | undefined, access = ALL): DeviceRule {
  return { allow: true, type, major, minor, access, from: resourcePath('devices') };
}

/** What every container may do: make nodes, which opens nothing; the default devices; the pseudo-terminals. */
const ALWAYS_ALLOWED: readonly DeviceRule[] = [
  always('c', undefined, undefined, 'm'),
  always('b', undefined, undefined, 'm'),
  ...[3, 5, 7, 8, 9].map((minor) => always('c', 1, minor)), // null, zero, full, random, urandom
  ...[0, 1, 2].map((minor) => always('c', 5, minor)), // tty, console, ptmx
  always('c', 136, undefined),
];

/**
 * The configured rules and, behind them, those of the devices that a runtime must supply. Where none is configured, the
 * others are denied, as runc has it: a forgotten list must not open the host's disks.
 */
export function deviceRules(configured: readonly OciDeviceRule[] = []): DeviceRules {
  const all: DeviceRules = { others: 'denied', rules: [] };
  configured.forEach((rule, index) => {
    const major = numberOf(rule.major);
    const minor = numberOf(rule.minor);
    const access = rule.access || ALL;
    const anyType = rule.type === undefined || rule.type === 'a';
    if (anyType && major === undefined && minor === undefined && [...ALL].every((letter) => access.includes(letter))) {
      // It names everything: what came before it does not matter any more.
      all.others = rule.allow ? 'allowed' : 'denied';
      all.rules = [];
      return;
    }
    const from = resourcePath('devices', index);
    const types = anyType ? (['b', 'c'] as const) : ([rule.type] as ('b' | 'c')[]);
    all.rules.push(...types.map((type) => ({ allow: rule.allow, type, major, minor, access, from })));
  });
  if (all.others === 'denied' || all.rules.length > 0) all.rules.push(...ALWAYS_ALLOWED);
  return all;
}

function numberOf(value: number | undefined): number | undefined {
  return value === undefined || value < 0 ? undefined : value;
}

/** The state of the version 1 controller: the rule for others, and exceptions from it. */
export interface DeviceList {
  others: DeviceRules['others'];
  /** `c 1:3` → its accesses. */
  exceptions: Map<string, Set<string>>;
}

const part = (value: number | undefined) => (value === undefined ? '*' : String(value));

/**
 * The same for version 1, which knows one rule for the others and exceptions from it. Error (`host`): a rule takes something
 * out of a wider exception, which the controller cannot hold and would ignore.
 */
export function deviceList({ others, rules }: DeviceRules): DeviceList {
  const exceptions = new Map<string, Set<string>>();
  for (const rule of rules) {
    const key = `${rule.type} ${part(rule.major)}:${part(rule.minor)}`;
    if (rule.allow === (others === 'denied')) {
      exceptions.set(key, new Set([...(exceptions.get(key) ?? []), ...rule.access]));
      continue;
    }
    for (const [other, accesses] of exceptions) {
      const common = [...rule.access].filter((access) => accesses.has(access));
      if (common.length === 0) continue;
      if (covers(key, other)) for (const access of common) accesses.delete(access);
      else if (overlaps(key, other)) {
        throw configError(rule.from, `takes something out of the wider rule ${other}`, {
          blame: 'host',
          hint: 'the devices controller of version 1 holds no exceptions from exceptions; name the devices one by one',
        });
      }
      if (accesses.size === 0) exceptions.delete(other);
    }
  }
  return { others, exceptions };
}

const fields = (key: string) => key.split(/[ :]/) as [string, string, string];

/** Every device of `narrow` is one of `wide`. */
function covers(wide: string, narrow: string): boolean {
  const theirs = fields(narrow);
  return fields(wide).every((field, index) => field === '*' || field === theirs[index]);
}

function overlaps(one: string, other: string): boolean {
  const theirs = fields(other);
  return fields(one).every((field, index) => field === '*' || theirs[index] === '*' || field === theirs[index]);
}

/** A line for devices.allow or devices.deny. */
export interface DeviceLine {
  file: 'devices.allow' | 'devices.deny';
  text: string;
}

/**
 * The writes that turn the list `now` of a cgroup into `wanted` (kernel Documentation/admin-guide/cgroup-v1/devices.rst). `now`
 * undefined: it is not known, and is written anew.
 */
export function deviceLines(wanted: DeviceList, now: DeviceList | undefined): DeviceLine[] {
  const [add, remove] =
    wanted.others === 'denied'
      ? (['devices.allow', 'devices.deny'] as const)
      : (['devices.deny', 'devices.allow'] as const);
  const lines: DeviceLine[] = [];
  const known = now?.others === wanted.others;
  if (!known) lines.push({ file: remove, text: 'a' });
  const held = known ? now.exceptions : new Map<string, Set<string>>();
  const line = (file: DeviceLine['file'], key: string, accesses: Set<string>, but: Set<string> | undefined) => {
    const letters = [...ALL].filter((letter) => accesses.has(letter) && !but?.has(letter));
    if (letters.length > 0) lines.push({ file, text: `${key} ${letters.join('')}` });
  };
  for (const [key, accesses] of held) line(remove, key, accesses, wanted.exceptions.get(key));
  for (const [key, accesses] of wanted.exceptions) line(add, key, accesses, held.get(key));
  return lines;
}

/** What a new cgroup has: its parent's list, which at the top lets everything through. */
export const EVERYTHING: DeviceList = { others: 'allowed', exceptions: new Map() };

/** devices.list → the list. Undefined where others are allowed: then it does not name its exceptions. */
export function parseDeviceList(text: string): DeviceList | undefined {
  const exceptions = new Map<string, Set<string>>();
  for (const line of text.split('\n').filter(Boolean)) {
    const [type = '', numbers = '', access = ''] = line.split(' ');
    if (type === 'a') return undefined;
    exceptions.set(`${type} ${numbers}`, new Set(access));
  }
  return { others: 'denied', exceptions };
}
