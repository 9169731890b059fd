#!/usr/bin/env node
'use strict';
// The OCI runtime in a Node process of its own. `vlab oci install` writes a native vlab-oci that goes before it.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const starter = join(__dirname, '../dist/start.cjs');
if (existsSync(starter)) {
  require(starter).startOci(process.argv.slice(2));
} else {
  process.stderr.write('error: vlab is not built yet\nhint: npm run build (or npm run quickstart)\n');
  process.exitCode = 77;
}
