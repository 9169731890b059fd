/** config.md: what Linux adds to the process. */
import { readFileSync } from 'node:fs';
import { match, see } from '../assert.js';
import { CAPABILITIES, capabilitiesIn, capabilityMask, field } from '../proc-text.js';
import { under } from '../test-type.js';

const linux = under('config.md#linux-process');

const ALL = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_AUDIT_WRITE'];
/** One set is smaller than the others, as far as the kernel lets it be. */
const SETS: [set: string, line: string, sets: Record<string, string[]>][] = [
  ['effective', 'CapEff', { bounding: ALL, permitted: ALL, effective: ALL.slice(0, 2) }],
  ['bounding', 'CapBnd', { bounding: ALL.slice(1), permitted: ALL.slice(1), effective: ALL.slice(1) }],
  ['permitted', 'CapPrm', { bounding: ALL, permitted: ALL.slice(0, 3), effective: ALL.slice(0, 3) }],
  ['inheritable', 'CapInh', { bounding: ALL, permitted: ALL, effective: ALL, inheritable: ALL.slice(2) }],
  ['ambient', 'CapAmb', { bounding: ALL, permitted: ALL, effective: ALL, inheritable: ALL, ambient: ALL.slice(1, 3) }],
];

export const LINUX_PROCESS_TESTS = [
  ...SETS.map(([set, line, sets]) =>
    linux.must(`the ${set} capabilities are those that are listed`, async (t) => {
      const status = await t.output(['cat', '/proc/self/status'], { 'process.capabilities': sets });
      // For root, execve(2) makes P'(permitted) = P(inheritable) | P(bounding), and effective the same.
      const expected = ['effective', 'permitted'].includes(set) ? (sets.bounding ?? []) : (sets[set] ?? []);
      see(line, field(status, line), capabilityMask(expected));
    }),
  ),
  linux.must('a user other than root keeps the ambient capabilities', async (t) => {
    const kept = ['CAP_KILL', 'CAP_NET_BIND_SERVICE'];
    const status = await t.output(['cat', '/proc/self/status'], {
      'process.user': { uid: 1000, gid: 1000 },
      'process.capabilities': { bounding: kept, permitted: kept, effective: kept, inheritable: kept, ambient: kept },
    });
    const sets = ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb'].map((line) => field(status, line));
    see('sets', sets, Array(5).fill(capabilityMask(kept)));
  }),
  linux.must('a user other than root has no capability without ambient ones', async (t) => {
    const kept = ['CAP_KILL'];
    const status = await t.output(['cat', '/proc/self/status'], {
      'process.user': { uid: 1000, gid: 1000 },
      'process.capabilities': { bounding: kept, permitted: kept, effective: kept },
    });
    see(
      'sets',
      ['CapBnd', 'CapPrm', 'CapEff'].map((line) => field(status, line)),
      [capabilityMask(kept), capabilityMask([]), capabilityMask([])],
    );
  }),
  linux.must('empty capability sets leave none', async (t) => {
    const none = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] };
    const status = await t.output(['cat', '/proc/self/status'], { 'process.capabilities': none });
    const sets = ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb'].map((line) => field(status, line));
    see('sets', sets, Array(5).fill(capabilityMask([])));
  }),
  linux.should(
    'a capability that does not exist is no failure',
    async (t) => {
      const names = ['CAP_KILL', 'CAP_NO_SUCH_CAPABILITY'];
      const status = await t.output(['cat', '/proc/self/status'], {
        'process.capabilities': { bounding: names, permitted: names, effective: names },
      });
      see('bounding', field(status, 'CapBnd'), capabilityMask(['CAP_KILL']));
    },
    { since: '1.1.0' },
  ),
  linux.should(
    'a capability that cannot be granted is no failure',
    async (t) => {
      const own = capabilitiesIn(readFileSync('/proc/self/status', 'utf8'), 'CapBnd');
      const names = ['CAP_KILL', ...CAPABILITIES.filter((name) => !own.includes(name))];
      const status = await t.output(['cat', '/proc/self/status'], {
        'process.capabilities': { bounding: names, permitted: names, effective: names },
      });
      see('bounding', field(status, 'CapBnd'), capabilityMask(['CAP_KILL']));
    },
    { since: '1.1.0', needs: ['a capability that is lacking'] },
  ),
  linux.must('noNewPrivileges is set when it is true', async (t) => {
    const status = await t.output(['cat', '/proc/self/status'], { 'process.noNewPrivileges': true });
    see('NoNewPrivs', field(status, 'NoNewPrivs'), '1');
  }),
  linux.must('noNewPrivileges is not set when it is false', async (t) => {
    const status = await t.output(['cat', '/proc/self/status'], { 'process.noNewPrivileges': false });
    see('NoNewPrivs', field(status, 'NoNewPrivs'), '0');
  }),
  linux.must('oomScoreAdj is set', async (t) =>
    see('oom_score_adj', await t.output(['cat', '/proc/self/oom_score_adj'], { 'process.oomScoreAdj': 321 }), '321\n'),
  ),
  linux.mustNot('oomScoreAdj is changed when it is not set', async (t) => {
    const own = readFileSync('/proc/self/oom_score_adj', 'utf8');
    see('oom_score_adj', await t.output(['cat', '/proc/self/oom_score_adj']), own);
  }),
  linux.must('an oomScoreAdj above 1000 is an error', (t) =>
    t.refuses({ 'process.oomScoreAdj': 1001 }, { sound: { 'process.oomScoreAdj': 1000 }, late: true }),
  ),
  ...(
    [
      ['SCHED_OTHER', { nice: 7 }, /^0 7 0 /],
      ['SCHED_BATCH', { nice: 3 }, /^3 3 0 /],
      ['SCHED_IDLE', {}, /^5 0 0 /],
    ] as const
  ).map(([policy, more, expected]) =>
    linux.must(
      `scheduler has the policy ${policy}`,
      async (t) =>
        match('sched_getattr', await t.output(['sched'], { 'process.scheduler': { policy, ...more } }), expected),
      { since: '1.1.0' },
    ),
  ),
  linux.must(
    'scheduler has its flags',
    async (t) =>
      match(
        'sched_getattr',
        await t.output(['sched'], {
          'process.scheduler': { policy: 'SCHED_BATCH', flags: ['SCHED_FLAG_RESET_ON_FORK'] },
        }),
        /^3 0 0 1 /,
      ),
    { since: '1.1.0' },
  ),
  linux.must(
    'a scheduler policy that does not exist is an error',
    (t) =>
      t.refuses(
        { 'process.scheduler': { policy: 'SCHED_NONSENSE' } },
        { sound: { 'process.scheduler': { policy: 'SCHED_OTHER' } }, late: true },
      ),
    { since: '1.1.0' },
  ),
  ...(
    [
      ['IOPRIO_CLASS_BE', 6, '2 6\n'],
      ['IOPRIO_CLASS_IDLE', 0, '3 0\n'],
      ['IOPRIO_CLASS_RT', 4, '1 4\n'],
    ] as const
  ).map(([name, priority, expected]) =>
    linux.must(
      `ioPriority has the class ${name} and its priority`,
      async (t) =>
        see('ioprio_get', await t.output(['ioprio'], { 'process.ioPriority': { class: name, priority } }), expected),
      { since: '1.1.0' },
    ),
  ),
  linux.must(
    'an ioPriority class that does not exist is an error',
    (t) =>
      t.refuses(
        { 'process.ioPriority': { class: 'IOPRIO_CLASS_NONSENSE', priority: 1 } },
        { sound: { 'process.ioPriority': { class: 'IOPRIO_CLASS_BE', priority: 1 } }, late: true },
      ),
    { since: '1.1.0' },
  ),
  linux.must(
    "execCPUAffinity is not applied to the container's first process",
    async (t) => {
      const line = 'Cpus_allowed_list';
      const status = await t.output(['cat', '/proc/self/status'], {
        'process.execCPUAffinity': { initial: '0', final: '0' },
      });
      see(line, field(status, line), field(readFileSync('/proc/self/status', 'utf8'), line));
    },
    { needs: ['two processors'] },
  ),
  linux.must(
    'an AppArmor profile that cannot be applied is an error',
    (t) => t.refuses({ 'process.apparmorProfile': 'a-profile' }, { late: true }),
    { needs: ['no AppArmor'] },
  ),
  linux.must(
    'an SELinux label that cannot be applied is an error',
    (t) => t.refuses({ 'process.selinuxLabel': 'system_u:system_r:svirt_lxc_net_t:s0:c124,c675' }, { late: true }),
    { needs: ['no SELinux'] },
  ),
  linux.must('capabilities that are no lists are an error', (t) =>
    t.refuses({ 'process.capabilities': { bounding: 'CAP_KILL' } }, { late: true }),
  ),
];
