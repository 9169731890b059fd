import { BaseCommand } from '../../base-command.js';

export default class ScenarioList extends BaseCommand {
  static override summary = 'List the scenario files in ./scenarios and those that vlab brings along';
  static override examples = ['<%= config.bin %> scenario list'];

  async run(): Promise<unknown> {
    await this.parse(ScenarioList);
    const { readFile } = await import('node:fs/promises');
    const { parseScenario } = await import('../../../lab/parse-scenario.js');
    const { listScenarioFiles } = await import('../../scenario-files.js');
    const scenarios = await Promise.all(
      listScenarioFiles().map(async (file) => {
        const { scenario, complaints } = parseScenario(await readFile(file, 'utf8'), file);
        const arms = scenario?.arms.map((arm) => arm.label) ?? [];
        return {
          file,
          title: scenario?.title ?? '',
          question: scenario?.question ?? '',
          arms,
          errors: complaints.length,
        };
      }),
    );
    const width = Math.max(0, ...scenarios.map(({ file }) => file.length));
    for (const { file, title, arms, errors } of scenarios) {
      const what =
        errors > 0 ? `has errors; see them with: vlab scenario check ${file}` : `${title} (${arms.join(', ')})`;
      this.log(`${file.padEnd(width)}  ${what}`);
    }
    if (scenarios.length === 0) this.log('no scenario files here');
    return { scenarios };
  }
}
