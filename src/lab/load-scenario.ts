import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf, VlabError } from '../base/errors.js';
import { loadDriver } from '../drivers/registry.js';
import { type Complaint, ScenarioError } from './complaint.js';
import { type ParsedScenario, parseScenario } from './parse-scenario.js';
import { BUILT_IN_ROOTFS } from './rootfs.js';
import type { Scenario } from './scenario.js';
import { problemsOf } from './schema-problems.js';

export interface LoadedScenario {
  scenario: Scenario;
  /** The file as it is. */
  text: string;
  /** Where relative paths in it start. */
  baseDir: string;
}

/** Reads a scenario file and checks all that can be checked before anything runs. Throws ScenarioError with every error. */
export async function loadScenario(path: string): Promise<LoadedScenario> {
  const text = await readScenarioFile(path);
  const baseDir = dirname(resolve(path));
  return { scenario: await checkScenario(text, path, { baseDir }), text, baseDir };
}

/**
 * The same for a text. `file` is its name in messages. A run's own copy of its scenario is not asked for the root file
 * system (`rootfsIsElsewhere`): the run's manifest says where that was.
 */
export async function checkScenario(
  text: string,
  file: string,
  where: { baseDir: string } | { rootfsIsElsewhere: true },
): Promise<Scenario> {
  const parsed = parseScenario(text, file);
  const complaints = [
    ...parsed.complaints,
    ...(await optionComplaints(parsed)),
    ...('baseDir' in where ? await rootfsComplaints(parsed, where.baseDir) : []),
  ];
  if (complaints.length > 0 || !parsed.scenario) throw new ScenarioError(complaints);
  return parsed.scenario;
}

/** Each driver knows its own options; only those that the file names are loaded. */
async function optionComplaints({ raw, complain }: ParsedScenario): Promise<Complaint[]> {
  const complaints: Complaint[] = [];
  for (const [index, arm] of raw.arms) {
    const path = ['arms', index, 'options'];
    const { optionsSchema } = await loadDriver(arm.driver);
    if (optionsSchema) {
      const checked = optionsSchema.safeParse(arm.options);
      const problems = checked.success ? [] : problemsOf(checked.error.issues, arm.options, optionsSchema, path);
      complaints.push(...problems.map(complain));
      continue;
    }
    for (const key of Object.keys(arm.options)) {
      complaints.push(
        complain({ path: [...path, key], pointAt: 'key', message: `the driver ${arm.driver} has no options` }),
      );
    }
  }
  return complaints;
}

async function rootfsComplaints({ raw, complain }: ParsedScenario, baseDir: string): Promise<Complaint[]> {
  const { rootfs } = raw;
  if (rootfs === undefined || (BUILT_IN_ROOTFS as readonly string[]).includes(rootfs)) return [];
  const dir = resolve(baseDir, rootfs);
  const found = await stat(dir).catch(() => undefined);
  if (found?.isDirectory()) return [];
  const message = `\`payload.rootfs\` is ${JSON.stringify(rootfs)}, but ${dir} is no directory; built in: ${BUILT_IN_ROOTFS.join(', ')}`;
  return [complain({ path: ['payload', 'rootfs'], pointAt: 'value', message })];
}

/** Throws an `input` error when it cannot be read. */
export async function readScenarioFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = errnoOf(cause);
    const why = code === 'ENOENT' ? 'is not there' : code === 'EISDIR' ? 'is a directory' : `cannot be read (${code})`;
    throw new VlabError('input', `the scenario ${path} ${why}`, {
      hint: '`vlab scenario list` shows the ones that are',
      cause,
    });
  }
}
