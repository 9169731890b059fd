// `npm run quickstart`: from a fresh clone to a measured comparison. Only Node's own modules, because it runs before
// npm install. It says each step before it does it, asks nothing without a terminal, and can be repeated.
//   --no-root     never uses sudo; what needs root is left out by name
//   other words   go to vlab bench (`npm run quickstart -- --runs 5`)
import { spawnSync } from 'node:child_process';
import { existsSync, lchownSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { installLine, packageManagerOf } from '../src/host/package-manager.mjs';
import { ensureGuestKernel } from './guest-kernel.mjs';
import { isBuilt } from './is-built.mjs';
import { choosePrivilege, isInstalled, isNodeNewEnough } from './quickstart-checks.mjs';

const HOST_CANNOT = 77;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const forBench = words.filter((word) => word !== '--no-root');
const started = Date.now();

// Ctrl-C reaches the running step too, which cleans up after itself; this waits for it.
process.on('SIGINT', () => {});

if (!isNodeNewEnough(process.versions.node)) {
  stop(`vlab needs Node 20.19 or newer, and this is ${process.versions.node}`, 'install a newer one from nodejs.org');
}
const privilege = choosePrivilege({
  uid: process.getuid?.() ?? -1,
  sudoWorksSilently: succeeds('sudo', ['-n', 'true']),
  sudoExists: succeeds('sudo', ['-V']),
  terminal: process.stdin.isTTY === true,
  wanted: !words.includes('--no-root'),
});
if (privilege === 'sudo') say('Steps that need root are run through sudo.');
if (privilege === 'none') say('Without root: what needs it is left out by name, and the rest runs.');

installSystemPackages();
installNpmPackages();
build();
if (!ensureGuestKernel(root, asRoot())) say('There is no guest kernel, so the virtual machine will be left out.');
say(`Set-up took ${((Date.now() - started) / 1000).toFixed(1)} s. Now the comparison.`);
// Its last lines name the files to open.
const bench = spawnRun([
  ...asRoot(),
  process.execPath,
  'bin/vlab.cjs',
  'bench',
  'scenarios/quickstart.yaml',
  ...forBench,
]);
process.exitCode = bench.status ?? 1;

function installSystemPackages() {
  const packages = JSON.parse(readFileSync(join(root, 'src/host/packages.json'), 'utf8'));
  const lacking = Object.entries({
    'c-compiler': () => ['cc', 'gcc', 'clang'].some((name) => succeeds(name, ['--version'])),
    qemu: () => succeeds('qemu-system-x86_64', ['--version']),
    busybox: () => succeeds('busybox', ['true']),
    runc: () => succeeds('runc', ['--version']),
  })
    .filter(([, isThere]) => !isThere())
    .map(([need]) => need);
  if (lacking.length === 0) return;
  const manager = packageManagerOf(readOsRelease());
  const line = installLine(manager, lacking, packages, privilege === 'root');
  if (manager === 'apt' && privilege !== 'none') {
    say(`Installing with apt: ${lacking.join(', ')}.`);
    const apt = [...asRoot(), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-y'];
    const names = lacking.flatMap((need) => packages[need].apt.split(' '));
    run([...apt, 'update']);
    if (run([...apt, 'install', '--no-install-recommends', ...names])) return;
    say(`apt did not install them. By hand: ${line}`);
  } else {
    say(`This machine lacks ${lacking.join(', ')}. One line installs that:\n  ${line}`);
  }
  if (lacking.includes('c-compiler')) stop('vlab cannot work without a C compiler', line);
  say('Going on with what is there; what is missing is left out by name.');
}

function installNpmPackages() {
  const wanted = readJson('package-lock.json');
  if (isInstalled(wanted, existsSync(join(root, hiddenLock())) ? readJson(hiddenLock()) : undefined)) return;
  say('Installing the npm packages (npm ci, exact versions, without their install scripts).');
  if (!run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund']))
    stop('npm ci failed', 'see its message above');
  giveToCaller(join(root, 'node_modules'));
}

function build() {
  if (isBuilt(root)) return;
  say('Building dist/ from the sources.');
  if (!run([process.execPath, 'scripts/build.mjs'])) stop('the build failed', 'see its message above');
  giveToCaller(join(root, 'dist'));
  giveToCaller(join(root, 'oclif.manifest.json'));
}

/** What goes before a command that needs root. Without a terminal sudo must not wait for a password. */
function asRoot() {
  if (privilege !== 'sudo') return [];
  return process.stdin.isTTY ? ['sudo'] : ['sudo', '-n'];
}

/** Under sudo, what was made in the checkout belongs to the person who called it. @param {string} path */
function giveToCaller(path) {
  const uid = Number(process.env.SUDO_UID);
  const gid = Number(process.env.SUDO_GID);
  if (process.getuid?.() !== 0 || !uid || !Number.isInteger(gid)) return;
  lchownSync(path, uid, gid);
  for (const below of readDirectory(path)) lchownSync(join(path, below), uid, gid);
}

/** @param {string} path @returns {string[]} everything below, or nothing for a file */
function readDirectory(path) {
  try {
    return readdirSync(path, { recursive: true, encoding: 'utf8' });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOTDIR') return [];
    throw error;
  }
}

function hiddenLock() {
  return 'node_modules/.package-lock.json';
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

function readOsRelease() {
  const path = ['/etc/os-release', '/usr/lib/os-release'].find((candidate) => existsSync(candidate));
  return path === undefined ? '' : readFileSync(path, 'utf8');
}

/** @param {string} command @param {string[]} args */
function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** @param {string[]} argv */
function run(argv) {
  return spawnRun(argv).status === 0;
}

/** @param {string[]} argv */
function spawnRun([command = '', ...args]) {
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** @param {string} text */
function say(text) {
  console.log(`\n▸ ${text}`);
}

/** @param {string} what @param {string} mend @returns {never} */
function stop(what, mend) {
  console.error(`error: ${what}\nhint: ${mend}`);
  process.exit(HOST_CANNOT);
}
