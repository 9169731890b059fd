import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { Flags } from '@oclif/core';
import { dataDir, packageRoot } from '../../base/paths.js';
import { BaseCommand } from '../base-command.js';

export default class Info extends BaseCommand {
  static override summary = 'Show what there is: containers, images, and how this machine runs them';
  static override examples = ['<%= config.bin %> info', "<%= config.bin %> info --format '{{.ContainersRunning}}'"];
  static override flags = {
    format: Flags.string({ char: 'f', description: 'json, or a Go template' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Info);
    const document = await infoDocument();
    if (this.jsonEnabled()) return document;
    if (flags.format === undefined || flags.format === '') {
      const width = Math.max(...Object.keys(document).map((name) => name.length));
      for (const [name, value] of Object.entries(document)) this.log(`${`${name}:`.padEnd(width + 2)}${value}`);
      return document;
    }
    const { formatDocument } = await import('../format/document.js');
    this.log(formatDocument(document, flags.format));
    return document;
  }
}

/** By docker's names, as far as there is such a thing here. */
async function infoDocument() {
  const { mapContainers } = await import('../../engine/record/list-containers.js');
  const { statusOf } = await import('../../engine/record/container-status.js');
  const { runningKeeper } = await import('../../engine/keeper/keeper-place.js');
  const { openImageStore } = await import('../../image/store/image-store.js');
  const { storageAbilities } = await import('../../storage/abilities.js');
  const { readCgroupLayout } = await import('../../host/cgroup-layout.js');
  const states = await mapContainers(({ state }) => statusOf(state));
  const images = await (await openImageStore()).list();
  const { drivers } = await storageAbilities();
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  const count = (...wanted: string[]) => states.filter((state) => wanted.includes(state)).length;
  return {
    ServerVersion: version,
    Containers: states.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: states.length - count('running', 'restarting', 'paused'),
    Images: images.length,
    Driver: drivers[0] ?? 'copy',
    CgroupVersion: readCgroupLayout().layout === 'v2' ? '2' : '1',
    KernelVersion: release(),
    OSType: 'linux',
    Architecture: process.arch === 'x64' ? 'x86_64' : process.arch,
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    Name: hostname(),
    DockerRootDir: dataDir(),
    Keeper: runningKeeper() ? 'running' : 'not needed',
  };
}
