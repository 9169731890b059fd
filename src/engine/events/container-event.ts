import type { ContainerRecord } from '../record/records.js';
import type { EngineEvent } from './event.js';
import { emitEvent } from './event-log.js';

/** Something has happened to a container: its name, image and labels are told with it, as docker does. */
export function emitContainer(
  { id, definition, state }: ContainerRecord,
  action: string,
  attributes: Record<string, string> = {},
): EngineEvent {
  const { root, labels } = definition;
  const image = root.kind === 'image' ? root.asked : root.path;
  return emitEvent('container', action, id, { ...labels, image, name: state.name, ...attributes });
}
