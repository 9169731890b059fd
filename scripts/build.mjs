// Builds dist/: one ESM bundle split by command, the manifest that oclif reads, and the root's help as text.
import { execFileSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';
import { build } from 'esbuild';
import { markBuilt, sourceDigest } from './is-built.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

// Taken first: a source that changes during the build makes the result stale.
const digest = sourceDigest(root);
const commands = readdirSync(join(root, 'src/cli/commands'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => join('src/cli/commands', path));

// Built beside and then swapped: a command that runs meanwhile finds a whole bundle, the old one or the new.
const fresh = join(root, `.dist-${process.pid}`);
await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts', ...commands],
  outdir: fresh,
  outbase: 'src/cli',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  keepNames: true,
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'linked',
  logLevel: 'warning',
  // Bundled CommonJS packages call require() for Node's own modules.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
});

rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);

const plugin = new Plugin({ root, isRoot: true, ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`);

const printHelp = `import('@oclif/core').then(({ run }) => run(['--help'], ${JSON.stringify(root)}))`;
const help = execFileSync(process.execPath, ['--input-type=module', '-e', printHelp], {
  cwd: root,
  env: { ...process.env, FORCE_COLOR: '1', OCLIF_COLUMNS: '100' },
});
writeFileSync(join(dist, 'help.txt'), help);
markBuilt(root, digest);
