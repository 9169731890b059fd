/** Containers by what people call them: name, full id, or the beginning of an id that only one has. */
import { VlabError } from '../../base/errors.js';
import { idOfName } from './names.js';
import { type ContainerRecord, containerIds, noSuchContainer, readRecord, readState } from './records.js';

const HEX = /^[0-9a-f]{1,64}$/;

/** The full id. Errors (`input`): there is none; several begin so. */
export function findContainerId(text: string): string {
  const asked = text.replace(/^\//, '');
  if (asked.length === 64 && HEX.test(asked) && readState(asked) !== undefined) return asked;
  const named = idOfName(asked);
  if (named !== undefined) return named;
  const fitting = HEX.test(asked) ? containerIds().filter((id) => id.startsWith(asked)) : [];
  const [only, other] = fitting;
  if (only === undefined) throw noSuchContainer(text);
  if (other === undefined) return only;
  throw new VlabError('input', `multiple IDs found with provided prefix: ${text}`, {
    hint: `say more of it: ${fitting
      .slice(0, 5)
      .map((id) => id.slice(0, asked.length + 4))
      .join(', ')}`,
    exitCode: 1,
  });
}

/** As it is at this moment. Errors: those of findContainerId. */
export function findContainer(text: string): ContainerRecord {
  const record = readRecord(findContainerId(text));
  if (record) return record;
  throw noSuchContainer(text);
}
