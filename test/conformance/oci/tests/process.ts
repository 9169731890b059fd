/** config.md: process, its user and what POSIX and Linux add. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hold, match, see } from '../assert.js';
import { field } from '../proc-text.js';
import { under } from '../test-type.js';

const process_ = under('config.md#process');
const user = under('config.md#posix-platform-user');

export const PROCESS_TESTS = [
  process_.must('cwd is the working directory', async (t) =>
    see('output', await t.output(['cwd'], { 'process.cwd': '/data' }), '/data\n'),
  ),
  process_.must('cwd is an absolute path', (t) =>
    t.refuses({ 'process.cwd': 'data' }, { sound: { 'process.cwd': '/data' }, late: true }),
  ),
  process_.must('cwd is required', (t) => t.refuses({ 'process.cwd': undefined }, { late: true })),
  process_.must('env is the environment, in its order', async (t) => {
    const env = ['PATH=/bin:/', 'B=2', 'A=1', 'EMPTY=', 'WITH=an=equals sign', 'SPACE= a b '];
    const lines = await t.lines(['env'], { 'process.env': env });
    see(
      'variables',
      lines.filter((line) => !line.startsWith('HOME=')),
      env,
    );
  }),
  process_.mustNot('variables of the runtime get into the environment', async (t) => {
    const lines = await t.lines(['env'], { 'process.env': ['PATH=/', 'OWN=1'] });
    hold('OWN is there', lines.includes('OWN=1'));
    see(
      'others',
      lines.filter((line) => !/^(PATH|OWN|HOME)=/.test(line)),
      [],
    );
  }),
  process_.must('args are the arguments, whatever they hold', async (t) => {
    const args = ['echo', '', ' a b ', '$PATH', '*', '"\'', 'ä☃'];
    see('output', await t.output(args), `${args.slice(1).join(' ')}\n`);
  }),
  process_.must('args has at least one entry', (t) => t.refuses({ 'process.args': [] }, { late: true })),
  process_.must('the program is looked for in PATH of env', async (t) => {
    const container = t.container([], {
      'process.args': ['greet', 'echo', 'found'],
      'process.env': ['PATH=/data:/out'],
    });
    symlinkSync('/probe', join(container.rootfs, 'out/greet'));
    await container.create();
    await container.start();
    see('output', await container.finished(), 'found\n');
  }),
  process_.must('a program with a slash is not looked for in PATH', async (t) =>
    see(
      'output',
      await t.output([], { 'process.args': ['./probe', 'echo', 'here'], 'process.env': ['PATH=/data'] }),
      'here\n',
    ),
  ),
  process_.must('a program that is not in PATH is an error', (t) =>
    t.refuses({ 'process.args': ['no-such-program'] }, { late: true }),
  ),
  process_.must('a program that does not exist is an error', (t) =>
    t.refuses({ 'process.args': ['/no/such/program'] }, { late: true }),
  ),
  process_.must('a program that is not executable is an error', (t) =>
    t.refuses({ 'process.args': ['/data/file'] }, { late: true }),
  ),
  process_.must('a program is run as the file that it names, and not through a shell', async (t) => {
    const container = t.container([], { 'process.args': ['/data/script', 'word'] });
    writeFileSync(join(container.rootfs, 'data/script'), '#!/probe echo\n', { mode: 0o755 });
    await container.create();
    await container.start();
    see('output', await container.finished(), '/data/script word\n');
  }),
  process_.must('without terminal, standard input is none', async (t) =>
    see('output', await t.output(['tty']), 'no terminal\n'),
  ),
  process_.must('consoleSize is ignored without terminal', async (t) =>
    see('output', await t.output(['tty'], { 'process.consoleSize': { height: 10, width: 20 } }), 'no terminal\n'),
  ),
  process_.must('the process is not required to create', async (t) => {
    const container = await t.created([], { process: undefined });
    see('status', (await container.state()).status, 'created');
  }),

  user.must('uid and gid are those of the process', async (t) => {
    const status = await t.output(['cat', '/proc/self/status'], { 'process.user': { uid: 1234, gid: 5678 } });
    see('uids', field(status, 'Uid'), '1234 1234 1234 1234');
    see('gids', field(status, 'Gid'), '5678 5678 5678 5678');
  }),
  user.must('large ids are those of the process', async (t) => {
    const status = await t.output(['cat', '/proc/self/status'], {
      'process.user': { uid: 4294967290, gid: 2147483648, additionalGids: [4294967000] },
    });
    see(
      'ids',
      [field(status, 'Uid'), field(status, 'Gid'), field(status, 'Groups')].map((ids) => ids.split(' ')[0]),
      ['4294967290', '2147483648', '4294967000'],
    );
  }),
  user.must('additionalGids are added to the process', async (t) => {
    const status = await t.output(['cat', '/proc/self/status'], {
      'process.user': { uid: 0, gid: 0, additionalGids: [10, 20, 30] },
    });
    const groups = field(status, 'Groups').split(' ');
    see(
      'groups',
      groups.filter((group) => group !== '0'),
      ['10', '20', '30'],
    );
  }),
  user.mustNot('groups of the runtime get into the process', async (t) => {
    const status = await t.output(['cat', '/proc/self/status'], { 'process.user': { uid: 7, gid: 8 } });
    see('uids', field(status, 'Uid'), '7 7 7 7');
    match('groups', field(status, 'Groups'), /^8?$/);
  }),
  user.must('umask is that of the process', async (t) => {
    const status = await t.output(['cat', '/proc/self/status'], { 'process.user': { uid: 0, gid: 0, umask: 0o137 } });
    see('umask', field(status, 'Umask'), '0137');
  }),
  user.should("without umask, the process has the caller's", async (t) => {
    const own = field(readFileSync('/proc/self/status', 'utf8'), 'Umask');
    see('umask', field(await t.output(['cat', '/proc/self/status']), 'Umask'), own);
  }),
  user.must('an id that is no number is an error', (t) => t.refuses({ 'process.user.uid': 'root' }, { late: true })),
  user.must('an id that is negative is an error', (t) => t.refuses({ 'process.user.gid': -1 }, { late: true })),
];
