import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../base/paths.js';
import { shortPath } from './short-path.js';

/** Scenario files that a person has at hand: those in ./scenarios, and those that vlab brings along. */
export function listScenarioFiles(cwd = process.cwd()): string[] {
  const own = join(cwd, 'scenarios');
  const brought = join(packageRoot(), 'scenarios');
  const folders = own === brought ? [own] : [own, brought];
  return folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => shortPath(join(folder, name), cwd)),
  );
}

/** A path stays a path; a bare word (`quickstart`) that is no file here means the scenario of that name. */
export function scenarioPath(word: string, cwd = process.cwd()): string {
  if (word.includes('/') || existsSync(join(cwd, word))) return word;
  return listScenarioFiles(cwd).find((path) => path.endsWith(`/${word}.yaml`) || path.endsWith(`/${word}`)) ?? word;
}
