import { Flags } from '@oclif/core';
import { VlabError } from '../../base/errors.js';
import { BaseCommand } from '../base-command.js';

export default class Attach extends BaseCommand {
  static override tail = 'first-positional' as const;
  static override summary = 'Be the input and output of a running container';
  static override usage = '<%= command.id %> [FLAGS] CONTAINER';
  static override description = `The exit code is the container's. The detach keys leave it running.`;
  static override examples = ['<%= config.bin %> attach web', '<%= config.bin %> attach --no-stdin web'];
  static override flags = {
    'detach-keys': Flags.string({ helpValue: 'KEYS', description: 'keys that detach; default ctrl-p,ctrl-q' }),
    'no-stdin': Flags.boolean({ description: 'pass nothing on' }),
    'sig-proxy': Flags.boolean({ default: true, allowNo: true, description: 'pass signals on to the container' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Attach);
    const [name, ...more] = this.tail;
    if (name === undefined || more.length > 0) {
      throw new VlabError('input', '"vlab attach" requires exactly 1 argument', { hint: 'vlab attach CONTAINER' });
    }
    const { findContainer } = await import('../../engine/record/find-container.js');
    const { isRunning, statusOf } = await import('../../engine/record/container-status.js');
    const { containerDir, containerRunDir } = await import('../../engine/record/container-files.js');
    const { attach } = await import('../../engine/run/attach.js');
    const { watchEnd } = await import('../../engine/run/watch-end.js');
    const { Session } = await import('../attached/session.js');
    const { asClient } = await import('../attached/foreground.js');
    const { id, state, definition } = findContainer(name);
    const { process: init, monitor } = state;
    if (!isRunning(state) || !init) throw notNow('stopped', 'start it first');
    if (statusOf(state) === 'paused') throw notNow('paused', 'unpause it first');
    const tty = definition.tty;
    const stdin = definition.openStdin && !flags['no-stdin'];
    const session = new Session({
      ...{ tty, stdin, stdout: true, stderr: true, waits: false },
      detachKeys: flags['detach-keys'],
    });
    const attachment = await attach(containerRunDir(id), session.streams);
    const { exitCode } = await asClient(session, attachment, {
      pid: init.pid,
      sigProxy: flags['sig-proxy'] && !tty,
      async ended() {
        const { stillRuns } = await import('../../engine/record/boot.js');
        if ((await attachment.over) === 'cut' && stillRuns(init)) return undefined;
        return (await watchEnd(containerDir(id), { init, monitor }))?.exitCode ?? 137;
      },
    });
    process.exitCode = exitCode ?? 0;
    return { id, exitCode: exitCode ?? null };
  }
}

function notNow(how: string, what: string): VlabError {
  return new VlabError('operation', `You cannot attach to a ${how} container, ${what}`, { exitCode: 1 });
}
