/**
 * The program behind the starter (start.ts). A command of ours is loaded and run directly; everything else (topics, help of
 * one command, completion, a misspelt name) goes through oclif with its plugins.
 */
import { COMMANDS } from 'vlab:commands';
import { plainCommand } from './docker-names.js';
import { findCommand } from './find-command.js';
import { runCommand, runThroughOclif } from './launch.js';

/** A command class by oclif's id (`vm:run`); the files below dist/commands, where oclif looks, ask for it here. */
export async function loadCommand(id: string): Promise<unknown> {
  return (await COMMANDS[id]?.())?.default;
}

Object.assign(globalThis, { [Symbol.for('vlab.loadCommand')]: loadCommand });

/** Runs one command line and ends the process. */
export async function main(words: string[]): Promise<void> {
  const exists = (id: string) => Object.hasOwn(COMMANDS, id);
  const found = findCommand(plainCommand(words, exists), exists);
  await (found ? runCommand(found, loadCommand) : runThroughOclif(words, Object.keys(COMMANDS)));
}
