// Attacks by rights that a program brings along, gains, or makes for itself. Needs root.
import { SECRET } from './arena-ground.js';
import { withWords } from './flaw.js';
import { ownArena } from './pair.js';

const { arena, pair } = ownArena();

const CAP_NET_RAW = 1 << 13;
const [permitted, nothing] = [/^CapPrm:\s0000000000002000$/m, /^CapPrm:\s0000000000000000$/m];

pair('set-user-id program', {
  words: ['/setuid', 'cat', '/proc/self/status'],
  blocked: /^Uid:\s1000\s1000\s1000\s1000$/m,
  works: /^Uid:\s1000\s0\s0\s0$/m,
});

pair('file capabilities', {
  words: ['/capable', 'cat', '/proc/self/status'],
  blocked: nothing,
  works: permitted,
});

pair('inheritable capabilities', {
  words: ['/inheriting', 'cat', '/proc/self/status'],
  flaw: withWords('keep only the capabilities of the container', 1, { 2: CAP_NET_RAW }),
  blocked: nothing,
  works: permitted,
});

pair('mounts', {
  words: ['/probe', 'mount', '/mnt'],
  blocked: 'mount: Operation not permitted',
  works: 'mount: ok',
});

pair('release agent', {
  words: ['/escape', 'open-release-agent', 'pids'],
  cgroups: true,
  blocked: 'mount: Operation not permitted',
  works: 'release_agent: ok',
});

pair('shocker', {
  attack: (more) => {
    const number = arena().outside('/rootfs/escape', 'handle', '/host/secret').split(' ');
    return arena().run({ words: ['/escape', 'open-handle', ...number], ...more });
  },
  blocked: 'open: Operation not permitted',
  works: SECRET,
});

pair('unshares a user namespace', {
  words: ['/probe', 'unshare'],
  blocked: 'unshare: Operation not permitted',
  works: 'unshare: ok',
});

pair('clones a user namespace', {
  words: ['/escape', 'clone-user'],
  blocked: 'clone: Operation not permitted',
  works: 'clone: ok',
});

pair('clones a user namespace by clone3', {
  words: ['/escape', 'clone3-user'],
  blocked: 'clone3: Function not implemented',
  works: 'clone3: ok',
});

pair('uses up keys', {
  words: ['/escape', 'add-key'],
  blocked: 'add-key: Operation not permitted',
  works: 'add-key: ok',
});
