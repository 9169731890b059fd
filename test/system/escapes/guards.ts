/**
 * Every class of escape that is tried here: what attacks, what is published of it, and which lines of the plan are the guard.
 * Pure: docs/security.md is written from it, and a unit test holds that the lines are in plans and that each has its tests.
 */
import { DEVICES } from './table/devices.js';
import type { Escape } from './table/escape.js';
import { MOUNTS } from './table/mounts.js';
import { NEIGHBOURS } from './table/neighbours.js';
import { PRIVILEGES } from './table/privileges.js';
import { RESOURCES } from './table/resources.js';
import { ROOT } from './table/root.js';
import { RUNTIME } from './table/runtime.js';

/** By the file of this directory that has their tests. */
export const FILES = {
  runtime: RUNTIME,
  root: ROOT,
  mounts: MOUNTS,
  privileges: PRIVILEGES,
  devices: DEVICES,
  resources: RESOURCES,
  neighbours: NEIGHBOURS,
} as const satisfies Record<string, Record<string, Escape>>;

export const ESCAPES = { ...RUNTIME, ...ROOT, ...MOUNTS, ...PRIVILEGES, ...DEVICES, ...RESOURCES, ...NEIGHBOURS };
export type EscapeId = keyof typeof ESCAPES;
export const escapeOf = (id: EscapeId): Escape => ESCAPES[id];

/** Names of the two tests of each, below its title. */
export const BLOCKED = 'is blocked';
export const WORKS = 'works on a plan without the guard';

export function titleOf(id: EscapeId): string {
  const { attack, cves } = escapeOf(id);
  return cves.length > 0 ? `${attack} (${cves.join(', ')})` : attack;
}
