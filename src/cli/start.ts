/**
 * What bin/vlab.cjs starts. Help of the root is printed from what the build prepared. For the rest the bundle is compiled
 * with V8's code cache, which holds the functions that the same command needed the last time: that is most of the time
 * from `vlab run` to its first own line (docs/decisions/0001-start-of-the-command-line.md).
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import vm from 'node:vm';
import { ignoreClosedPipe } from '../base/closed-pipe.js';
import { cacheDir } from '../base/paths.js';
import { colourWanted } from './colour.js';

/** Put in by the build: the bundles' file names, which carry their digests. */
declare const VLAB_BUNDLE: string;
/** The part of it that holds the commands of these first words. */
declare const VLAB_QUICK_BUNDLE: string;
declare const VLAB_QUICK_WORDS: string[];
/** The OCI runtime. */
declare const VLAB_OCI_BUNDLE: string;
/** First words whose code is kept. */
declare const VLAB_CACHED_WORDS: string[];

const HELP_WORDS = new Set(['--help', '-h', 'help']);

export function start(words: string[]): void {
  letNobodyElseWrite();
  process.stdout.on('error', ignoreClosedPipe);
  process.stderr.on('error', ignoreClosedPipe);
  if (words.length === 0 || (words.length === 1 && HELP_WORDS.has(words[0] ?? ''))) {
    const help = readFileSync(join(__dirname, 'help.txt'), 'utf8');
    process.stdout.write(colourWanted(process.stdout, process.env) ? help : stripVTControlCharacters(help));
    return;
  }
  const { main } = loadBundle(words[0] ?? '') as typeof import('./main.js');
  void main(words);
}

/** `vlab-oci`: its commands are short, and need neither oclif nor what people read. */
export function startOci(words: string[]): void {
  letNobodyElseWrite();
  const verb = words.find((word) => OCI_VERBS.has(word)) ?? 'help';
  const { main } = loadProgram(VLAB_OCI_BUNDLE, `oci-${verb}`) as typeof import('../oci/main.js');
  void main(words);
}

/** dockerd has no mask, and what its runtimes keep in the cache, programs among it, would be everybody's to change. */
function letNobodyElseWrite(): void {
  process.umask(process.umask(0o022) | 0o022);
}

/** Verbs that callers are waiting for: each keeps the code that it needed. */
const OCI_VERBS = new Set(['create', 'start', 'run', 'state', 'kill', 'delete', 'exec', 'list', 'planner']);

/** The bundle that a command is in. Each first word has a cache of its own. */
export function loadBundle(firstWord: string): unknown {
  const bundle = VLAB_QUICK_WORDS.includes(firstWord) ? VLAB_QUICK_BUNDLE : VLAB_BUNDLE;
  return loadProgram(bundle, VLAB_CACHED_WORDS.includes(firstWord) ? firstWord : undefined);
}

/** Runs the bundle's file and returns what it exports. `cacheName`: whose code is kept. */
function loadProgram(bundle: string, cacheName: string | undefined): unknown {
  const path = join(__dirname, bundle);
  const cachePath = cacheName === undefined ? undefined : codeCachePath(bundle, cacheName);
  const cachedData = cachePath === undefined ? undefined : readIfThere(cachePath);
  const script = new vm.Script(readFileSync(path, 'latin1'), {
    filename: path,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  if (cachePath !== undefined && (cachedData === undefined || script.cachedDataRejected === true)) {
    process.on('exit', () => keepCode(cachePath, script.createCachedData()));
  }
  const module = { exports: {} };
  const run = script.runInThisContext() as (...parameters: unknown[]) => void;
  run(module.exports, require, module, path, __dirname, (specifier: string) => import(specifier));
  return module.exports;
}

/** V8 takes a cache only for its own version and the very same source; both are in the path. Undefined: there is no place. */
function codeCachePath(bundle: string, firstWord: string): string | undefined {
  const made = `${bundle}-${process.version}-${process.arch}`;
  try {
    return join(cacheDir(), 'code', made, `${firstWord}.bin`);
  } catch {
    return undefined; // who needs it for more will tell
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // absent, or not ours to read: it is only a cache
  }
}

/** By rename, since two commands may end at once. Where it cannot be written, every start compiles anew. */
function keepCode(path: string, code: Buffer): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const partial = `${path}.${process.pid}`;
    writeFileSync(partial, code);
    renameSync(partial, path);
  } catch {
    // A read-only or full disk must not make a command fail that has done its work.
  }
}
