// Builds dist/: the bundle, its starter, the manifest that oclif reads, and the root's help as text.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';
import { build } from 'esbuild';
import { markBuilt, sourceDigest } from './is-built.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
// Built beside and then swapped: a command that runs meanwhile finds a whole dist, the old one or the new.
const fresh = join(root, `.dist-${process.pid}`);

// Taken first: a source that changes during the build makes the result stale.
const digest = sourceDigest(root);
const ids = readdirSync(join(root, 'src/cli/commands'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => path.slice(0, -'.ts'.length).split('/').join(':'))
  .sort();

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  minifyIdentifiers: true,
  keepNames: true,
  logLevel: 'warning',
};

/** Commands that people put into loops. They get a bundle without all that reports and scenarios need. */
const QUICK_WORDS = ['run', 'ps', 'kill', 'exec'];
const quickIds = ids.filter((id) => QUICK_WORDS.includes(firstWordOf(id)));

/** Parts of Node that take it a millisecond or more to load, and that most commands do without. */
const SLOW_PARTS = ['node:child_process', 'node:crypto', 'node:fs/promises', 'node:net'];

/** Parts of oclif that few commands use, as they are named where they are asked for. */
const RARE_OCLIF_PARTS = [
  './config',
  './help',
  './help/util',
  './ux',
  '../ux',
  '../ux/list',
  './handle',
  './errors/module-load',
];

/**
 * The runtime is waited for: it has no names to set for all its functions at each start, and leaves out what only a first use
 * needs, which compiles.
 * @type {import('esbuild').BuildOptions}
 */
const OCI_OPTIONS = { keepNames: false, minifyIdentifiers: false, external: ['koffi', 'execa'] };

const natives = await nativeDigests();
const whole = await bundleProgram('vlab', 'src/cli/main.ts', ids);
const quick = await bundleProgram('vlab-quick', 'src/cli/main.ts', quickIds);
const oci = await bundleProgram('vlab-oci', 'src/oci/main.ts', [], OCI_OPTIONS);
await bundleStarter(whole, quick, oci);
writeCommandFiles();
rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);
await writeManifest();
writeHelp();
markBuilt(root, digest);

/** @param {string} id */
function firstWordOf(id) {
  return id.split(':')[0] ?? '';
}

/**
 * One CommonJS file as a function expression, for vm.Script and its code cache. Returns its name, which holds its digest.
 * @param {string} base @param {string} entry @param {string[]} commands ids of those that it holds
 * @param {import('esbuild').BuildOptions} [options]
 */
async function bundleProgram(base, entry, commands, options = {}) {
  const outfile = join(fresh, `${base}.cjs`);
  const made = await build({
    ...common,
    entryPoints: [entry],
    outfile,
    external: ['koffi'], // native
    ...options,
    legalComments: 'linked',
    plugins: [
      { name: 'commands', setup: (plugin) => provideCommands(plugin, commands) },
      { name: 'slow parts', setup: loadWhenUsed },
      { name: "oclif's parts", setup: loadOclifWhenUsed },
    ],
    define: { 'import.meta.url': '__url', VLAB_NATIVE_DIGESTS: JSON.stringify(natives) },
    banner: {
      js: '(function(exports,require,module,__filename,__dirname,__import){const __url=require("node:url").pathToFileURL(__filename).href;',
    },
    footer: { js: '})' },
  });
  if (made.warnings.length > 0) throw new Error('the bundle has warnings');
  // The starter reads it as latin1, the quickest way to a string. esbuild leaves regular expressions as they were written.
  const source = useGivenImport(readFileSync(outfile, 'utf8')).replace(/[^\0-\x7f]/g, escapeCharacter);
  const name = `${base}-${createHash('sha256').update(source).digest('hex').slice(0, 12)}.cjs`;
  rmSync(outfile);
  writeFileSync(join(fresh, name), source);
  return name;
}

/**
 * import() does not work in code that came from V8's cache (Node 20: no callback), so the starter passes one in.
 * @param {string} source @returns {string}
 */
function useGivenImport(source) {
  const made = source.replace(/\bawait import\(/g, 'await __import(');
  const left = /.{0,40}\bimport\((?!\)").{0,40}/.exec(made);
  if (left) throw new Error(`an import() without await is not rewritten: ${left[0]}`);
  return made;
}

/** @param {string} character one UTF-16 unit; the escape means the same in strings, templates and regular expressions */
function escapeCharacter(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * The module `vlab:commands`: every command by its id, evaluated when it is asked for.
 * @param {import('esbuild').PluginBuild} plugin
 * @param {string[]} commands
 */
function provideCommands(plugin, commands) {
  plugin.onResolve({ filter: /^vlab:commands$/ }, ({ path }) => ({ path, namespace: 'commands' }));
  plugin.onLoad({ filter: /.*/, namespace: 'commands' }, () => {
    const entries = commands.map((id) => `'${id}': () => import('./src/cli/commands/${id.replaceAll(':', '/')}.ts'),`);
    return { contents: `export const COMMANDS = {\n${entries.join('\n')}\n};`, resolveDir: root, loader: 'ts' };
  });
}

/**
 * What is imported from the slow parts of Node is fetched when it is used for the first time.
 * @param {import('esbuild').PluginBuild} plugin
 */
function loadWhenUsed(plugin) {
  const wanted = new RegExp(`^(${SLOW_PARTS.join('|')})$`);
  plugin.onResolve({ filter: wanted }, ({ path, kind }) =>
    kind === 'import-statement' ? { path, namespace: 'slow' } : { path, external: true },
  );
  plugin.onLoad({ filter: /.*/, namespace: 'slow' }, ({ path }) => {
    const names = Object.keys(createRequire(import.meta.url)(path));
    const getters = names.map((name) => `get ${name}() { return require('${path}').${name}; },`);
    return { contents: `module.exports = {\n${getters.join('\n')}\n};`, loader: 'js' };
  });
}

/**
 * oclif's index loads all of it, at every start. Here each of its names leads to its own file, when it is used for the first time.
 * @param {import('esbuild').PluginBuild} plugin
 */
function loadOclifWhenUsed(plugin) {
  const require = createRequire(import.meta.url);
  const index = require.resolve('@oclif/core');
  const lib = dirname(index);
  plugin.onResolve({ filter: /^@oclif\/core$/ }, ({ path }) => ({ path, namespace: 'oclif' }));
  plugin.onLoad({ filter: /.*/, namespace: 'oclif' }, () => ({
    contents: `module.exports = {\n${gettersOfIndex(readFileSync(index, 'utf8'))}\n};`,
    resolveDir: lib,
    loader: 'js',
  }));
  const rare = new RegExp(`^(${RARE_OCLIF_PARTS.map((part) => part.replaceAll('.', '\\.')).join('|')})$`);
  plugin.onResolve({ filter: rare }, ({ path, importer, namespace }) =>
    namespace === 'file' && importer.startsWith(`${lib}/`) && importer !== index
      ? { path: createRequire(importer).resolve(path), namespace: 'oclif part' }
      : undefined,
  );
  plugin.onLoad({ filter: /.*/, namespace: 'oclif part' }, ({ path }) => {
    const getters = Object.keys(require(path)).map((name) => `get ${name}() { return require('${path}').${name}; },`);
    return {
      contents: `module.exports = {\n__esModule: true,\n${getters.join('\n')}\n};`,
      resolveDir: lib,
      loader: 'js',
    };
  });
}

/** @param {string} source of oclif's index, as TypeScript has written it */
function gettersOfIndex(source) {
  const files = new Map(
    [...source.matchAll(/^(?:var|const) (\w+) = require\("(\.[^"]+)"\);/gm)].map(([, name, file]) => [name, file]),
  );
  const whole = [...source.matchAll(/^exports\.(\w+) = __importStar\(require\("(\.[^"]+)"\)\);/gm)].map(
    ([, name, file]) => `get ${name}() { return require('${file}'); },`,
  );
  const parts = [...source.matchAll(/exports, "(\w+)".*return (\w+)\.(\w+);/g)].map(
    ([, name, variable, of]) => `get ${name}() { return require('${files.get(variable)}').${of}; },`,
  );
  if (whole.length === 0 || parts.length === 0) throw new Error("oclif's index is written in another way");
  return [...whole, ...parts].join('\n');
}

/** By the sources' own function: the digests of the native parts. */
async function nativeDigests() {
  const { outputFiles } = await build({
    ...common,
    entryPoints: ['src/sys/native.ts'],
    format: 'esm',
    packages: 'external',
    write: false,
  });
  const module = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')}`
  );
  return module.nativeDigests(root);
}

/** @param {string} whole @param {string} quick @param {string} oci names of the bundles */
async function bundleStarter(whole, quick, oci) {
  // `vlab clean --caches` must not write into what it has just removed.
  const cached = [...new Set(ids.map(firstWordOf))].filter((word) => word !== 'clean');
  await build({
    ...common,
    entryPoints: ['src/cli/start.ts'],
    outfile: join(fresh, 'start.cjs'),
    define: {
      VLAB_BUNDLE: JSON.stringify(whole),
      VLAB_QUICK_BUNDLE: JSON.stringify(quick),
      VLAB_OCI_BUNDLE: JSON.stringify(oci),
      VLAB_QUICK_WORDS: JSON.stringify(QUICK_WORDS),
      VLAB_CACHED_WORDS: JSON.stringify(cached),
      'import.meta.url': '""', // packageRoot() is not used here
    },
  });
}

/** Where oclif looks for commands: one-line modules that take the class from the running bundle. */
function writeCommandFiles() {
  for (const id of ids) {
    const path = join(fresh, 'commands', `${id.replaceAll(':', '/')}.js`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `export default await globalThis[Symbol.for('vlab.loadCommand')]('${id}');\n`);
  }
}

async function writeManifest() {
  // Loading the bundle makes its commands known to the files that were just written.
  createRequire(import.meta.url)(join(dist, 'start.cjs')).loadBundle('');
  const plugin = new Plugin({ root, isRoot: true, ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  for (const command of Object.values(plugin.manifest.commands)) {
    // The sources wrap long descriptions; help wraps them again to the terminal.
    if (command.description) command.description = command.description.replace(/([^\n])\n(?!\n)/g, '$1 ');
  }
  writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`);
}

function writeHelp() {
  const printHelp = `import('@oclif/core').then(({ run }) => run(['--help'], ${JSON.stringify(root)}))`;
  const help = execFileSync(process.execPath, ['--input-type=module', '-e', printHelp], {
    cwd: root,
    env: { ...process.env, FORCE_COLOR: '1', OCLIF_COLUMNS: '100' },
  });
  writeFileSync(join(dist, 'help.txt'), help);
}
