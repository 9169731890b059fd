// Kubernetes' pods: containerd is asked by the Container Runtime Interface, and finds vlab-oci by the name that its
// configuration gives it. Needs root, containerd and dist/ (npm test builds it).
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../../skips.js';
import { until } from '../sys/own-launcher.js';
import { hasCniPlugins } from './cni.js';
import { type Containerd, withContainerd } from './containerd-room.js';
import { Cri, type Pod } from './cri.js';
import { MEMORY_LIMIT_FILE } from './limits.js';
import { RUNTIME_PATH, WAYS } from './runtimes.js';

const OBEYS = ['sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'];
const LOGS = '/run/room/logs';

describe.each(WAYS)('pods, %s', (way) => {
  let containerd: Containerd;
  withContainerd(way, (own) => {
    containerd = own;
  });
  let cri: Cri | undefined;
  beforeAll(() => {
    if (containerd) cri = new Cri(containerd.socket);
  });
  afterAll(() => cri?.[Symbol.dispose]());

  const runPod = (handler: string) => (cri as Cri).runPod('pod', handler, containerd.room.cgroup, LOGS);

  it('there is no runtime of another name', async () => {
    await expect(runPod('unknown')).rejects.toThrow('no runtime for "unknown" is configured');
  });

  describe('a pod', () => {
    let pod: Pod | undefined;
    const thePod = () => pod as Pod;
    beforeEach(async (context) => {
      needs(context, 'cni plugins', hasCniPlugins);
      pod = await runPod('vlab');
    });
    afterEach(async () => void (await pod?.remove()));

    it('its containers are of this runtime', async () => {
      const id = await thePod().start({ name: 'one', command: OBEYS });
      const listed = await containerd.room.ask([RUNTIME_PATH, '--root=/run/containerd/runc/k8s.io', 'list', '-q']);
      expect(listed.split('\n').sort()).toEqual([thePod().id, id].sort());
    });

    it('containers share network, IPC and names; each has a log, programs and an end', async () => {
      const one = await thePod().start({ name: 'one', command: OBEYS });
      const two = await thePod().start({ name: 'two', command: OBEYS });
      const script =
        'hostname; for kind in net ipc uts; do readlink /proc/self/ns/$kind; done; ip -o -4 addr show eth0';
      const shared = await thePod().exec(one, 'sh', '-c', script);
      expect(shared.stdout).toMatch(/^pod\nnet:.*\nipc:.*\nuts:.*\n.* inet 10\.199\.7\./);
      expect(shared).toEqual(await thePod().exec(two, 'sh', '-c', script));
      expect(await thePod().exec(one, 'sh', '-c', 'echo in; echo no >&2; exit 4')).toEqual({
        code: 4,
        stdout: 'in\n',
        stderr: 'no\n',
      });
      await expect(thePod().exec(one, 'missing')).rejects.toThrow('executable file not found in $PATH');
      await until(
        async () => (await containerd.room.ask(['cat', `${LOGS}/one.log`])).endsWith(' stdout F ready'),
        'it said so',
      );
      await thePod().stop(one, 20);
      expect(await thePod().status(one)).toEqual({ state: 2, exitCode: 3 });
      expect(await thePod().status(two)).toEqual({ state: 1, exitCode: 0 });
    });

    it('a container has variables, mounts, a user and a root that it cannot write', async () => {
      containerd.room.write('/run/room/volume/file', 'of the host\n');
      const id = await thePod().start({
        name: 'one',
        command: OBEYS,
        env: { A: 'b' },
        mount: '/run/room/volume',
        user: 1000,
        readOnly: true,
      });
      const script = 'echo $A; cat /run/room/volume/file; id -u; touch /tmp/x /run/room/volume/x 2>&1; true';
      expect((await thePod().exec(id, 'sh', '-c', script)).stdout).toBe(
        'b\nof the host\n1000\ntouch: /tmp/x: Read-only file system\ntouch: /run/room/volume/x: Read-only file system\n',
      );
    });

    it('limits are set, and changed while it runs', async () => {
      const id = await thePod().start({ name: 'one', command: OBEYS, memoryLimitBytes: 64 << 20 });
      const limit = async () => Number((await thePod().exec(id, 'cat', MEMORY_LIMIT_FILE)).stdout);
      expect(await limit()).toBe(64 << 20);
      await thePod().limitMemory(id, 32 << 20);
      expect(await limit()).toBe(32 << 20);
    });
  });
});
