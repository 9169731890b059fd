/**
 * The program's entry. Three ways, from the fastest: help of the root and version are printed from what the build
 * prepared; a command of ours is imported and run directly; everything else (topics, help of one command, completion,
 * a misspelt name) goes through oclif with its plugins. docs/decisions/0001-command-line-start.md has the figures.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { colourWanted } from './colour.js';
import { findCommand } from './find-command.js';

const dist = dirname(fileURLToPath(import.meta.url));
const HELP_WORDS = new Set(['--help', '-h', 'help']);

process.stdout.on('error', endQuietlyOnClosedPipe);
process.stderr.on('error', endQuietlyOnClosedPipe);
await main(process.argv.slice(2));

async function main(words: string[]): Promise<void> {
  if (words.length === 0 || (words.length === 1 && HELP_WORDS.has(words[0] ?? ''))) {
    const help = readFileSync(join(dist, 'help.txt'), 'utf8');
    process.stdout.write(colourWanted(process.stdout, process.env) ? help : stripVTControlCharacters(help));
    return;
  }
  const found = findCommand(words, (file) => existsSync(join(dist, 'commands', file)));
  const launch = await import('./launch.js');
  await (found ? launch.runCommand(join(dist, 'commands', found.file), found) : launch.runThroughOclif(words));
}

/** `vlab … | head -1`: the reader has gone. The work goes on to its own end, and nobody is told about it. */
function endQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
