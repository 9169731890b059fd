// Attacks on the runtime itself and on who called it: programs, descriptors, terminals, keys. Needs root.
import { readFileSync } from 'node:fs';
import type { Attack } from './arena.js';
import { SECRET } from './arena-ground.js';
import { careless, without } from './flaw.js';
import { ownArena } from './pair.js';

const { arena, pair } = ownArena();

pair('overwrites the runtime', {
  attack: async ({ flaw }) => {
    const { first } = await arena().runAndExec({
      words: ['/escape', 'overwrite-runtime', '30'],
      exec: ['/proc/self/exe', 'perform'],
      // The window of what the container may not reach is made wide: the guard that is attacked is the sealed memory file.
      execFlaw: without('let nobody trace it before its program runs'),
      waitMs: 300,
      ...(flaw ? { performer: ['/runtime', 'perform'] } : {}),
    });
    return `${first}, and the file begins with ${readFileSync(arena().at('/runtime'), 'latin1').slice(1, 4)}`;
  },
  flaw: () => {}, // it is run from its file
  blocked: 'ready\ncaught\noverwrite: Operation not permitted, and the file begins with ELF',
  works: 'ready\ncaught\noverwrite: ok, and the file begins with ver',
});

pair('reaches into a process', {
  attack: async ({ flaw: execFlaw }) => {
    const words = ['/escape', 'reach-descriptors', '50'];
    return (await arena().runAndExec({ words, exec: ['/escape', 'stay', '10'], waitMs: 300, execFlaw })).first;
  },
  blocked: 'ready\nreaches none',
  works: 'ready\nreached a descriptor of another process',
});

pair('leaked directory', {
  words: ['/probe', 'cat', '/proc/self/fd/4/host/secret'],
  blocked: '/proc/self/fd/4/host/secret: No such file or directory',
  works: SECRET,
});

pair('program through a descriptor', {
  words: ['/proc/self/fd/4/rootfs/probe', 'echo', 'ran'],
  blocked: /^refused: .*run \/proc\/self.*ENOENT/,
  works: 'ran',
});

pair('hook through a descriptor', {
  words: ['/probe', 'true'],
  blocked: /^refused: .*run the startContainer hook.*ENOENT/,
  works: 'the hook ran',
});

pair('leaked working directory', {
  words: ['/probe', 'cat', 'host/secret'],
  flaw: careless('find the working directory, in this root'),
  blocked: /^refused: .*process.cwd.*ELOOP/,
  works: SECRET,
});

pair('leaked working directory of exec', {
  attack: async ({ asks: execAsks, flaw: execFlaw }) => {
    const words = ['/escape', 'link', '/proc/self/fd/4', '/tmp/there'];
    const exec = ['/probe', 'cat', 'host/secret'];
    return (await arena().runAndExec({ words, exec, execAsks, execFlaw })).second;
  },
  flaw: careless('find the working directory, in this root'),
  blocked: /^refused: .*process.cwd.*ELOOP/,
  works: SECRET,
});

/** The link, made by the container, and what terminal a program gets that is executed in it. */
const terminalOf = async (link: string[], { asks, flaw: execFlaw }: Pick<Attack, 'asks' | 'flaw'>) => {
  const words = ['/escape', 'link', ...link];
  return (await arena().runAndExec({ words, asks, exec: ['/escape', 'own-terminal'], execFlaw, terminal: true }))
    .second;
};
pair('leaked terminals', {
  attack: (how) => terminalOf(['/proc/self/fd/4/dev/pts', '/dev/pts'], how),
  flaw: careless("find the container's terminals, in its root"),
  blocked: /^refused: .*find the container's terminals.*ELOOP/,
  works: 'terminal 136:0, /dev/pts/0',
});
pair('leaked terminal', {
  attack: (how) => terminalOf(['/proc/self/fd/4/dev/pts/ptmx', '/dev/pts/ptmx'], how),
  flaw: careless("open a new terminal in the container's devpts"),
  blocked: /^refused: .*open a new terminal.*(ELOOP|ENOENT)/,
  works: 'terminal 136:0, /dev/pts/0',
});

pair('types into the terminal', {
  words: ['/escape', 'type-into-terminal'],
  performer: ['/usr/bin/script', '--quiet', '--return', '--command', 'exec /vlab-front perform', '/dev/null'],
  blocked: /^controlling terminal: No such device or address/,
  works: /type: ok/,
});

pair("reads the caller's keys", {
  words: ['/escape', 'read-key'],
  performer: ['/rootfs/escape', 'with-key', SECRET, '/vlab-front', 'perform'],
  blocked: 'key: Required key not available',
  works: SECRET,
});
