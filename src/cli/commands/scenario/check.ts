import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.js';

export default class ScenarioCheck extends BaseCommand {
  static override summary = 'Check scenario files, and tell every error at once';
  static override description = 'Each error is told as file:line:col. Exit code 2 when a file has one.';
  static override examples = [
    '<%= config.bin %> scenario check my.yaml',
    '<%= config.bin %> scenario check scenarios/*.yaml',
  ];
  static override strict = false;
  static override args = { file: Args.string({ required: true, description: 'scenario files' }) };

  async run(): Promise<unknown> {
    const { argv } = await this.parse(ScenarioCheck);
    const { loadScenario } = await import('../../../lab/load-scenario.js');
    const { ScenarioError } = await import('../../../lab/complaint.js');
    const { scenarioPath } = await import('../../scenario-files.js');
    const complaints: InstanceType<typeof ScenarioError>['complaints'] = [];
    const files: { file: string; ok: boolean }[] = [];
    for (const word of argv as string[]) {
      const file = scenarioPath(word);
      try {
        const { scenario } = await loadScenario(file);
        this.log(`${file}: ok, ${scenario.arms.length} arms, ${scenario.blocks} blocks`);
        files.push({ file, ok: true });
      } catch (error) {
        if (!(error instanceof ScenarioError)) throw error;
        complaints.push(...error.complaints);
        files.push({ file, ok: false });
      }
    }
    if (complaints.length > 0) {
      if (!this.jsonEnabled()) throw new ScenarioError(complaints);
      process.exitCode = 2;
    }
    return { files, complaints };
  }
}
