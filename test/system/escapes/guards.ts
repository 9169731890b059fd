/**
 * Every class of escape that is tried here: what attacks, what is published of it, which lines of the plan are the guard, and
 * the file with its two tests. Pure: docs/security.md is written from it, and a unit test holds that the lines are in plans.
 */
export interface Escape {
  attack: string;
  /** What is published of such attacks. */
  cves: readonly string[];
  /** Reasons of steps, as `vlab run --show-plan` prints them. */
  guards: readonly string[];
  /** What else guards, or is the guard, where that is no line of the plan. */
  besides?: string;
  /** In this directory: FILE.test.ts. */
  file: string;
}

/** Names of the two tests of each. */
export const BLOCKED = 'is blocked';
export const WORKS = 'works on a plan without the guard';

export const ESCAPES = {
  'overwrites the runtime': {
    attack: 'a container overwrites the program of the runtime through /proc/PID/exe',
    cves: ['CVE-2019-5736'],
    guards: [],
    besides: 'vlab-front runs vlab-init from a sealed memory file',
    file: 'runtime',
  },
  'reaches into a process': {
    attack: 'a container reaches for the descriptors of a process that is on its way into it',
    cves: ['CVE-2016-9962'],
    guards: ['let nobody trace it before its program runs'],
    file: 'runtime',
  },
  'leaked directory': {
    attack: 'a program uses a directory that the caller of the runtime left open',
    cves: ['CVE-2016-9962', 'CVE-2024-21626'],
    guards: ['hand no other descriptor on'],
    file: 'runtime',
  },
  'leaked working directory': {
    attack: 'the working directory is /proc/self/fd/N, a directory that the caller of the runtime left open',
    cves: ['CVE-2024-21626'],
    guards: ['find the working directory, in this root'],
    file: 'runtime',
  },
} as const satisfies Record<string, Escape>;

export type EscapeId = keyof typeof ESCAPES;

/** Their tests are called `TITLE > is blocked` and `TITLE > works on a plan without the guard`. */
export function titleOf(id: EscapeId): string {
  const { attack, cves }: Escape = ESCAPES[id];
  return cves.length > 0 ? `${attack} (${cves.join(', ')})` : attack;
}
