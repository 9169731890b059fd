import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Config, Interfaces } from '@oclif/core';
import { EXIT_CODES, errnoOf, VlabError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { packageRoot } from '../base/paths.js';
import { flagShapes, tailRule } from './base-command.js';
import { colourWanted } from './colour.js';
import { describeFailure, exitRequest, renderFailure } from './failure.js';
import type { FoundCommand } from './find-command.js';
import { findShort, splitTail } from './tail.js';

/** A command class, with the method that oclif keeps protected: it runs init, run, catch and finally in order. */
interface RunnableClass extends Pick<typeof Command, 'id' | 'flags' | 'baseFlags'> {
  new (argv: string[], config: Config): { _run(): Promise<unknown> };
}

/** Runs a command without oclif's plugin search; its help still goes through oclif. */
export async function runCommand(found: FoundCommand, load: (id: string) => Promise<unknown>): Promise<void> {
  await endWith(async () => {
    const command = (await load(found.id)) as RunnableClass;
    const shapes = flagShapes(command);
    const { head } = splitTail(found.rest, tailRule(command), shapes);
    // Of some commands -h is a flag of their own: docker's --hostname.
    if (head.includes('--help') || (head.includes('-h') && findShort('h', shapes) === undefined)) {
      const { run } = await import('@oclif/core');
      await run(['help', ...found.id.split(':')], packageRoot());
      return;
    }
    command.id = found.id;
    await new command(found.rest, bareConfig())._run();
  });
}

const COMMAND_NOT_FOUND = 127;

/** Everything that is not a command of ours. `ids`: those that are, for whoever misspelt one. */
export async function runThroughOclif(words: string[], ids: readonly string[]): Promise<void> {
  await endWith(async () => {
    try {
      const { run } = await import('@oclif/core');
      await run(words, packageRoot());
    } catch (error) {
      if (exitRequest(error) !== undefined || oclifExit(error) !== COMMAND_NOT_FOUND) throw error;
      const names = ids.map((id) => id.replaceAll(':', ' '));
      const meant = nearest(words.slice(0, 2).join(' '), names) ?? nearest(words[0] ?? '', names);
      throw new VlabError('input', (error as Error).message, meant === undefined ? {} : { hint: `vlab ${meant}` });
    }
  });
}

function oclifExit(error: unknown): number | undefined {
  return (error as { oclif?: { exit?: number } }).oclif?.exit;
}

/**
 * Enough of oclif's configuration for a command to parse its flags: no plugin is looked for, so there are no hooks. Its class is
 * not used, since it brings much that is not needed here.
 */
function bareConfig(): Config {
  const root = packageRoot();
  const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Config['pjson'];
  const { name, version } = pjson;
  const bin = pjson.oclif.bin ?? name;
  const variable = (key: string) => `${bin}_${key}`.toUpperCase();
  const config = {
    ...{ root, pjson, name, version, bin, topicSeparator: ':', commandIDs: [] },
    userAgent: `${name}/${version} ${process.platform}-${process.arch} node-${process.version}`,
    runHook: async (): Promise<Interfaces.Hook.Result<never>> => ({ successes: [], failures: [] }),
    scopedEnvVarKey: variable,
    scopedEnvVarKeys: (key: string) => [variable(key)],
    scopedEnvVar: (key: string) => process.env[variable(key)],
  };
  return config as unknown as Config;
}

/** Runs the work, prints a failure, and ends the process: an open socket of a finished command must not hold it. */
async function endWith(work: () => Promise<void>): Promise<void> {
  let exitCode: number | undefined;
  try {
    await work();
  } catch (thrown) {
    exitCode = isClosedPipe(thrown) ? EXIT_CODES.operation : exitRequest(thrown);
    if (exitCode === undefined) {
      const failure = describeFailure(thrown);
      const colour = colourWanted(process.stderr, process.env);
      process.stderr.write(`${renderFailure(failure, (text) => (colour ? `\u001b[1m${text}\u001b[22m` : text))}\n`);
      exitCode = failure.exitCode;
    }
  }
  await written(process.stdout);
  await written(process.stderr);
  process.exit(exitCode ?? process.exitCode);
}

/** The reader of what this command writes has gone (`vlab export web | head`), which is for nobody to be told. */
function isClosedPipe(thrown: unknown): boolean {
  return errnoOf(thrown) === 'EPIPE' && (process.stdout.destroyed || process.stdout.errored !== null);
}

/** What a pipe could not take at once would be lost with the process. A reader that is gone takes nothing more. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    for (const event of ['drain', 'error', 'close']) stream.once(event, () => resolve());
  });
}
