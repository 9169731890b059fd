import { access, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { VlabError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { DRIVER_NAMES } from '../drivers/registry.js';
import { BUILT_IN_ROOTFS, openRootfs, resolveInside } from './rootfs.js';
import type { PayloadFiles } from './scenario.js';

/** A comparison from the command line. */
export interface AdHoc {
  drivers: readonly string[];
  files: PayloadFiles;
  command: readonly string[];
  /** `NAME=value` */
  env: readonly string[];
  /** `arm.option=value` */
  options: readonly string[];
  /** Other keys of the scenario file, as given. */
  more: Record<string, unknown>;
  limits: Record<string, unknown>;
}

/** Where a program given by name is looked for, in this order (the PATH of Debian's and Alpine's root). */
const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * The scenario file that such a comparison stands for; it goes the way of every other file from here. A driver named
 * twice becomes two arms. Throws an `input` error.
 */
export async function adHocScenario(adHoc: AdHoc, cwd = process.cwd()): Promise<string> {
  if (adHoc.command.length === 0) {
    throw new VlabError('input', 'no program to start', {
      hint: 'name it after --, as in: vlab bench -d container,vm -- /bin/true',
    });
  }
  const labels = labelsOf(adHoc.drivers);
  const files = filesFrom(adHoc.files, cwd);
  const [program, ...args] = adHoc.command as [string, ...string[]];
  return stringify({
    name: 'ad-hoc',
    title: adHoc.command.join(' ').slice(0, 200),
    question: `How long does it take to start \`${adHoc.command.join(' ')}\` in each of: ${labels.join(', ')}?`,
    payload: { ...files, command: [await findProgram(files, program), ...args], env: pairs(adHoc.env, '--env') },
    arms: adHoc.drivers.map((driver, index) => ({
      driver,
      label: labels[index],
      options: optionsOf(labels[index] as string, adHoc.options, labels),
      limits: adHoc.limits,
    })),
    ...adHoc.more,
  });
}

/** Labels of the arms: the drivers, numbered from the second of the same name on. */
export function labelsOf(drivers: readonly string[]): string[] {
  for (const driver of drivers) {
    if ((DRIVER_NAMES as readonly string[]).includes(driver)) continue;
    const meant = nearest(driver, DRIVER_NAMES);
    throw new VlabError('input', `there is no driver \`${driver}\``, {
      hint: meant === undefined ? `drivers: ${DRIVER_NAMES.join(', ')}` : `did you mean ${meant}?`,
    });
  }
  return drivers.map((driver, index) => {
    const before = drivers.slice(0, index).filter((name) => name === driver).length;
    return before === 0 ? driver : `${driver}-${before + 1}`;
  });
}

function optionsOf(label: string, given: readonly string[], labels: readonly string[]): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const text of given) {
    const [, arm, key, value] = /^([^.=]+)\.([^=]+)=(.*)$/s.exec(text) ?? [];
    if (arm === undefined || key === undefined || !labels.includes(arm)) {
      throw new VlabError('input', `--option ${text} does not name an arm and its option`, {
        hint: `write it as ${labels[0]}.NAME=VALUE; arms: ${labels.join(', ')}`,
      });
    }
    if (arm === label) options[key] = parse(value ?? '');
  }
  return options;
}

function pairs(given: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new VlabError('input', `${flag} ${text} is not NAME=VALUE`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function filesFrom(files: PayloadFiles, cwd: string): PayloadFiles {
  if ('image' in files || (BUILT_IN_ROOTFS as readonly string[]).includes(files.rootfs)) return files;
  return { rootfs: resolve(cwd, files.rootfs) };
}

/** An absolute path stays; a bare name is looked for in the root file system, where that is not built in. */
async function findProgram(files: PayloadFiles, program: string): Promise<string> {
  const isBuiltIn = 'rootfs' in files && !files.rootfs.startsWith('/');
  if (program.includes('/') || isBuiltIn) return program.startsWith('/') ? program : `/${program}`;
  const rootfs = 'image' in files ? (await openRootfs(files, '/')).dir : files.rootfs;
  for (const folder of PROGRAM_FOLDERS) {
    const path = await resolveInside(rootfs, `${folder}/${program}`);
    if (path !== undefined && (await isExecutable(path))) return `${folder}/${program}`;
  }
  throw new VlabError('input', `there is no program \`${program}\` in ${'image' in files ? files.image : rootfs}`, {
    hint: `give its path there; looked in ${PROGRAM_FOLDERS.join(', ')}`,
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
