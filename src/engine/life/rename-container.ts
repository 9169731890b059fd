import { VlabError } from '../../base/errors.js';
import { emitContainer } from '../events/container-event.js';
import { checkName, giveBackName, takeName, withNames } from '../record/names.js';
import { withContainer, writeState } from '../record/records.js';

/** Errors: `input` for what is no name, or its own; `operation` when another container has it. */
export async function renameContainer(id: string, wanted: string): Promise<void> {
  const name = checkName(wanted);
  await withContainer(id, async (record) => {
    const { state } = record;
    if (state.name === name) {
      throw new VlabError('input', 'Renaming a container with the same name as its current name', { exitCode: 1 });
    }
    await withNames(async () => {
      takeName(name, id);
      writeState(id, { ...state, name });
      giveBackName(state.name, id);
    });
    emitContainer({ ...record, state: { ...state, name } }, 'rename', { oldName: `/${state.name}` });
  });
}
