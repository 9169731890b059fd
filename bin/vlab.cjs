#!/usr/bin/env node
'use strict';
// CommonJS, because Node starts it sooner than a module. dist/ is made by `npm run build` and shipped in the package; a
// fresh checkout has none yet.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const starter = join(__dirname, '../dist/start.cjs');
if (existsSync(starter)) {
  require(starter).start(process.argv.slice(2));
} else {
  process.stderr.write('error: vlab is not built yet\nhint: npm run build (or npm run quickstart)\n');
  process.exitCode = 77;
}
