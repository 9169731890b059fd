// Attacks on the runtime itself: its program, its descriptors, its processes before they are the container's. Needs root.
import { readFileSync } from 'node:fs';
import { ABI } from '../../../src/sys/abi.js';
import type { Attack } from './arena.js';
import { SECRET } from './arena.js';
import { careless, without } from './flaw.js';
import { ownArena, pair } from './pair.js';

const arena = ownArena();

pair('overwrites the runtime', {
  attack: async (flaw) => {
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
  attack: async (execFlaw) => {
    const words = ['/escape', 'reach-descriptors', '50'];
    const exec = ['/escape', 'stay', '10'];
    return (await arena().runAndExec({ words, exec, waitMs: 300, ...(execFlaw ? { execFlaw } : {}) })).first;
  },
  blocked: 'ready\nreaches none',
  works: 'ready\nreached a descriptor of another process',
});

pair('leaked directory', {
  attack: (flaw) => arena().run({ words: ['/probe', 'cat', '/proc/self/fd/4/host/secret'], flaw }),
  blocked: '/proc/self/fd/4/host/secret: No such file or directory',
  works: SECRET,
});

const inDescriptor: Attack['change'] = ({ process }) => {
  process.cwd = '/proc/self/fd/4';
};
pair('leaked working directory', {
  attack: (flaw) => arena().run({ words: ['/probe', 'cat', 'host/secret'], change: inDescriptor, flaw }),
  flaw: careless('find the working directory, in this root', BigInt(ABI.O_PATH)),
  blocked: /^refused: .*process.cwd.*ELOOP/,
  works: SECRET,
});
