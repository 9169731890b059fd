import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { privateDir, runDir } from '../../base/paths.js';
import { own } from '../../sys/owners.js';
import { planToJson, showPlan } from '../../sys/show.js';
import { argvParts } from '../../vm/argv.js';
import { endToken } from '../../vm/end-token.js';
import { attachedSpec } from '../../vm/machine.js';
import { type MachineRequest, prepareVm } from '../../vm/prepare-vm.js';
import type { Qemu } from '../../vm/probe-qemu.js';
import { showArgv } from '../../vm/show-argv.js';

/** What a start would do, for reading. The initramfs is made, because its plan is part of the answer, and removed. */
export async function explainVm(
  request: MachineRequest,
  qemu: Qemu,
  wish: { argv: boolean; plan: boolean; reason: string },
): Promise<{ text: string; json: object }> {
  const id = `explain-${randomUUID()}`;
  const folder = join(runDir(), id);
  await using _ownership = own(id, { cgroups: [], paths: [folder] });
  privateDir(folder);
  const prepared = await prepareVm({ ...request, endToken: endToken() }, folder);
  const parts = argvParts(attachedSpec(prepared), qemu.features);
  const texts = [
    ...(wish.argv ? [showArgv(qemu.path, parts, prepared.words, wish.reason)] : []),
    ...(wish.plan ? [`# What the guest's first process does:\n${showPlan(prepared.plan)}`] : []),
  ];
  return {
    text: texts.join('\n'),
    json: {
      ...(wish.argv ? { qemu: qemu.path, argv: parts, kernelCommandLine: prepared.words, reason: wish.reason } : {}),
      ...(wish.plan ? { plan: planToJson(prepared.plan) } : {}),
    },
  };
}
