#!/usr/bin/env node
// The bundle is made by `npm run build` and shipped in the package; a fresh checkout has none yet.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('error: vlab is not built yet\nhint: npm run build (or npm run quickstart)\n');
  process.exitCode = 77;
}
