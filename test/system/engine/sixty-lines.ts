/**
 * Command lines as people write them every day, each a script for bash in an empty directory. `d` is the tool: podman or vlab.
 * The image is `bb` (busybox; user 1000 is `user`, also of the group `more`). What a line leaves is removed after it.
 */
export interface EverydayLine {
  line: string;
  /** 0 where nothing else is said. */
  code?: number | readonly number[];
  stdout?: string | RegExp;
  stderr?: string | RegExp;
  /** On a terminal of 40 rows and 100 columns, in place of pipes. */
  terminal?: true;
}

const HEX_ID = /^[0-9a-f]{64}\n$/;
/** Ends with 3 when it is asked to. */
const OBEYS = `sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'`;

const PROGRAM: EverydayLine[] = [
  { line: 'd run --rm bb echo hello world', stdout: 'hello world\n', stderr: '' },
  { line: "d run --rm bb sh -c 'exit 7'", code: 7 },
  { line: 'd run --rm bb missing', code: 127, stderr: /not found|no such file/i },
  { line: 'd run --rm bb /etc', code: 126, stderr: /permission denied/i },
  { line: 'd run --rm --no-such-flag bb true', code: 125 },
  { line: 'echo piped | d run --rm -i bb cat', stdout: 'piped\n' },
  { line: 'echo piped | d run --rm bb cat', stdout: '' },
  { line: "d run --rm bb sh -c 'echo out; echo err >&2'", stdout: 'out\n', stderr: 'err\n' },
  {
    line: "d run -it --rm bb sh -c 'tty; stty size; exit 5'",
    terminal: true,
    code: 5,
    stdout: /^\/dev\/pts\/0\r?\n40 100\r?\n/,
  },
  { line: "d run --rm -e A=b -e 'C=d e' bb sh -c 'echo $A $C'", stdout: 'b d e\n' },
  { line: "FROM_HERE=outside d run --rm -e FROM_HERE bb sh -c 'echo $FROM_HERE'", stdout: 'outside\n' },
  { line: "printf 'A=1\\n# no\\nB=2 3\\n' >env; d run --rm --env-file env bb sh -c 'echo $A $B'", stdout: '1 2 3\n' },
  { line: 'd run --rm -w /tmp bb pwd', stdout: '/tmp\n' },
  { line: "d run --rm -u 1000:44 bb sh -c 'id -u; id -g'", stdout: '1000\n44\n' },
  { line: "d run --rm -u user bb sh -c 'id -un; id -Gn'", stdout: 'user\nuser more\n' },
  { line: 'd run --rm -u nobody-here bb true', code: [125, 126], stderr: /unable to find user nobody-here/ },
  { line: 'd run --rm --entrypoint echo bb hi', stdout: 'hi\n' },
  { line: "d run --rm --init bb sh -c '[ $$ -ne 1 ] && echo child'", stdout: 'child\n' },
  {
    line: "d run --rm --ulimit nofile=100:200 --ulimit nproc=500:500 bb sh -c 'ulimit -n; ulimit -Hn'",
    stdout: '100\n200\n',
  },
];

const NAMES: EverydayLine[] = [
  { line: 'd run --rm -h web bb hostname', stdout: 'web\n' },
  { line: 'd run --rm bb hostname', stdout: /^[0-9a-f]{12}\n$/ },
  { line: 'd run --rm -h web bb cat /etc/hostname', stdout: /^web\n?$/ },
  { line: 'd run --rm --add-host dbhost:10.1.2.3 bb grep dbhost /etc/hosts', stdout: /^10\.1\.2\.3\s+dbhost\n$/ },
  { line: 'd run --rm --network none bb ls /sys/class/net', stdout: 'lo\n' },
  {
    line: 'd run --rm --network host bb sh -c "readlink /proc/self/ns/net" | grep -cF "$(readlink /proc/self/ns/net)"',
    stdout: '1\n',
  },
  {
    line: 'd run -d --name first bb sleep 60 >/dev/null; d run --rm --pid container:first bb ps -o args | grep -c "^sleep 60"',
    stdout: '1\n',
  },
];

const FILES: EverydayLine[] = [
  { line: "d run --rm --read-only bb sh -c 'echo x > /x || echo refused' 2>/dev/null", stdout: 'refused\n' },
  {
    line: `d run --rm --tmpfs /scratch:size=64k bb sh -c 'df -k /scratch | tail -1 | awk "{print \\$2}"'`,
    stdout: '64\n',
  },
  { line: `d run --rm --shm-size 1m bb sh -c 'df -k /dev/shm | tail -1 | awk "{print \\$2}"'`, stdout: '1024\n' },
  {
    line: `mkdir src; echo data >src/f; d run --rm -v "$PWD/src:/in:ro" bb sh -c 'cat /in/f; echo x >/in/g || echo refused' 2>/dev/null`,
    stdout: 'data\nrefused\n',
  },
  {
    line: 'mkdir src; d run --rm --mount type=bind,src="$PWD/src",dst=/in bb touch /in/made; ls src',
    stdout: 'made\n',
  },
  {
    line: "d run --rm -v keep:/v bb sh -c 'echo kept >/v/f'; d run --rm -v keep:/v bb cat /v/f; d volume ls -q",
    stdout: 'kept\nkeep\n',
  },
  {
    line: 'd volume create data; d volume inspect --format "{{.Name}} {{.Driver}}" data; d volume rm data; d volume ls -q',
    stdout: 'data\ndata local\ndata\n',
  },
  { line: 'd run --rm -v /only bb test -d /only && d volume ls -q', stdout: '' },
  {
    line: 'd run --rm -v filled:/bin bb ls /bin/sh; d run --rm -v filled:/mnt bb ls /mnt/sh',
    stdout: '/bin/sh\n/mnt/sh\n',
  },
  {
    line: "d run --name vv -v /kept bb sh -c 'echo x >/kept/f'; d run --rm --volumes-from vv:ro bb cat /kept/f",
    stdout: 'x\n',
  },
  {
    line: 'd create --name c1 bb true >/dev/null; echo file >f; d cp f c1:/tmp/f; d cp c1:/tmp/f g; cat g',
    stdout: 'file\n',
  },
  { line: 'd run --name changed bb touch /new; d diff changed', stdout: /^A \/new$/m },
  {
    line: 'd create --name x1 bb true >/dev/null; d export x1 | tar -t | grep -c "^\\(./\\)\\?bin/busybox$"',
    stdout: '1\n',
  },
];

const RIGHTS: EverydayLine[] = [
  { line: 'd run --rm --cap-drop ALL bb grep CapEff /proc/self/status', stdout: 'CapEff:\t0000000000000000\n' },
  {
    line: 'd run --rm --cap-drop ALL --cap-add CHOWN bb grep CapEff /proc/self/status',
    stdout: 'CapEff:\t0000000000000001\n',
  },
  { line: "d run --rm --privileged bb sh -c 'mount -t tmpfs none /tmp && echo mounted'", stdout: 'mounted\n' },
  {
    line: 'd run --rm --security-opt no-new-privileges bb grep NoNewPrivs /proc/self/status',
    stdout: 'NoNewPrivs:\t1\n',
  },
  { line: 'd run --rm --security-opt seccomp=unconfined bb grep Seccomp: /proc/self/status', stdout: 'Seccomp:\t0\n' },
  {
    line: "d run --rm --device /dev/full:/dev/mine bb sh -c 'echo x >/dev/mine' 2>/dev/null || echo full",
    stdout: 'full\n',
  },
  { line: 'd run --rm --sysctl kernel.msgmax=9000 bb cat /proc/sys/kernel/msgmax', stdout: '9000\n' },
  {
    line: "d run --rm -m 64m bb sh -c 'cat /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes' 2>/dev/null",
    stdout: '67108864\n',
  },
  {
    line: "d run --rm --pids-limit 20 bb sh -c 'cat /sys/fs/cgroup/pids.max || cat /sys/fs/cgroup/pids/pids.max' 2>/dev/null",
    stdout: '20\n',
  },
  {
    line: "d run --rm --cpus 0.5 bb sh -c 'cat /sys/fs/cgroup/cpu.max || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us' 2>/dev/null",
    stdout: /^50000/,
  },
];

const LIFE: EverydayLine[] = [
  { line: 'd run -d bb sleep 60', stdout: HEX_ID },
  {
    line: 'id=$(d run -d bb sleep 60); d ps -q | grep -c "^$(echo $id | cut -c1-12)$"; d inspect --format "{{.Id}}" $(echo $id | cut -c1-6) | grep -c "^$id$"',
    stdout: '1\n1\n',
  },
  { line: 'd run -d --name one bb sleep 60 >/dev/null; d ps --filter name=one --format "{{.Names}}"', stdout: 'one\n' },
  { line: `d run -d --name s1 bb ${OBEYS} >/dev/null; sleep 0.3; d stop s1; d wait s1`, stdout: 's1\n3\n' },
  { line: 'd run -d --name k1 bb sleep 60 >/dev/null; d kill k1; d wait k1', stdout: 'k1\n137\n' },
  { line: 'd create --name st bb echo started >/dev/null; d start -a st', stdout: 'started\n' },
  {
    line: "d run --name e1 bb sh -c 'exit 4'; d inspect --format '{{.State.ExitCode}} {{.State.Status}}' e1",
    stdout: '4 exited\n',
  },
  {
    line: 'd run -d --name p1 bb sleep 60 >/dev/null; d pause p1; d inspect --format "{{.State.Status}}" p1; d unpause p1; d inspect --format "{{.State.Status}}" p1',
    stdout: 'p1\npaused\np1\nrunning\n',
  },
  { line: 'd create --name old bb true >/dev/null; d rename old new; d ps -a --format "{{.Names}}"', stdout: 'new\n' },
  { line: 'd run -d --name r1 bb sleep 60 >/dev/null; d rm -f r1; d ps -aq', stdout: 'r1\n' },
  { line: 'd run --rm --name gone bb true; d ps -aq', stdout: '' },
  {
    line: 'd create --name twice bb true >/dev/null; d create --name twice bb true',
    code: 125,
    stderr: /already in use/,
  },
  { line: 'd run -d --name run bb sleep 60 >/dev/null; d rm run', code: [1, 2], stderr: /running/ },
  {
    line: 'd run --cidfile id --name c1 bb true; d inspect --format "{{.Id}}" c1 | cmp - id && echo same; cat id | wc -c',
    stdout: /^(same\n)?6[45]\n$/,
  },
  {
    line: 'd create --restart on-failure:3 --label a=b --name c1 bb true >/dev/null; d inspect --format "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}} {{index .Config.Labels \\"a\\"}}" c1',
    stdout: 'on-failure 3 b\n',
  },
  { line: 'd run --rm --restart always bb true', code: 125 },
  { line: 'd inspect no-such-thing', code: [1, 125], stderr: /no such/i },
];

const INSIDE: EverydayLine[] = [
  { line: 'd run -d --name e1 bb sleep 60 >/dev/null; d exec e1 echo in', stdout: 'in\n' },
  {
    line: "d run -d --name e1 bb sleep 60 >/dev/null; d exec -e A=1 -w /tmp -u 1000 e1 sh -c 'echo $A; pwd; id -u'",
    stdout: '1\n/tmp\n1000\n',
  },
  { line: "d run -d --name e1 bb sleep 60 >/dev/null; d exec e1 sh -c 'exit 5'", code: 5 },
  { line: 'd run -d --name e1 bb sleep 60 >/dev/null; echo in | d exec -i e1 cat', stdout: 'in\n' },
  { line: 'd run -d --name e1 bb sleep 60 >/dev/null; d exec e1 missing', code: 127 },
  {
    line: 'd run -d --name e1 bb sleep 60 >/dev/null; d exec -it e1 sh -c "tty; exit 6"',
    terminal: true,
    code: 6,
    stdout: /^\/dev\/pts\/\d\r?\n/,
  },
  { line: 'd run -d --name t1 bb sleep 61 >/dev/null; d top t1 | grep -c "sleep 61"', stdout: '1\n' },
  {
    line: "d run --name l1 bb sh -c 'echo one; echo two >&2' >/dev/null 2>&1; d logs l1",
    stdout: 'one\n',
    stderr: 'two\n',
  },
  { line: 'd run --name l1 bb seq 5 >/dev/null; d logs --tail 2 l1', stdout: '4\n5\n' },
  { line: "d run -d --name l1 bb sh -c 'echo a; sleep 0.5; echo b' >/dev/null; d logs -f l1", stdout: 'a\nb\n' },
  {
    line: 'd run --name l1 bb echo dated >/dev/null; d logs -t l1',
    stdout: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\S* dated\n$/,
  },
];

const IMAGES: EverydayLine[] = [
  {
    line: 'd tag bb other:1 && d run --rm other:1 echo tagged; d rmi other:1 >/dev/null; d images -q other',
    stdout: 'tagged\n',
  },
  {
    line: "d run --name m1 bb sh -c 'echo made >/made'; d commit m1 made:1 >/dev/null 2>&1; d run --rm made:1 cat /made",
    stdout: 'made\n',
  },
  {
    line: 'd save -o bb.tar bb 2>/dev/null; d tag bb again:1; d rmi again:1 >/dev/null; d load -i bb.tar 2>/dev/null | grep -c "bb:latest"',
    stdout: '1\n',
  },
  {
    line: 'printf \'FROM bb\\nENV A=built\\nRUN echo $A >/out\\nCMD ["cat","/out"]\\n\' >Dockerfile; d build -q -t built:1 . >/dev/null 2>&1; d run --rm built:1',
    stdout: 'built\n',
  },
  { line: 'd image inspect --format "{{.Os}} {{.Architecture}}" bb', stdout: /^linux (amd64|arm64)\n$/ },
  { line: 'd run --rm BUSYBOX true', code: 125, stderr: /invalid reference format|must be lower ?case/ },
];

export const EVERYDAY_LINES: readonly EverydayLine[] = [
  ...PROGRAM,
  ...NAMES,
  ...FILES,
  ...RIGHTS,
  ...LIFE,
  ...INSIDE,
  ...IMAGES,
];
