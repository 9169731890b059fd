import { BaseCommand } from '../../base-command.js';

export default class ScenarioSchema extends BaseCommand {
  static override summary = 'Print the JSON Schema of scenario files, for an editor';
  static override examples = ['<%= config.bin %> scenario schema > scenario.schema.json'];

  async run(): Promise<unknown> {
    await this.parse(ScenarioSchema);
    const { scenarioJsonSchema } = await import('../../../lab/scenario.js');
    const schema = scenarioJsonSchema();
    this.log(JSON.stringify(schema, undefined, 2));
    return schema;
  }
}
