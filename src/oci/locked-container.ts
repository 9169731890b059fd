/** A container that no other command changes meanwhile, as it is now. */
import { errnoOf } from '../base/errors.js';
import { isPaused } from '../container/cgroup/freezer.js';
import { MissingError } from './container-errors.js';
import { locked } from './lock.js';
import { type Container, type ContainerRecord, type Status, statusOf } from './state.js';

export interface Found {
  container: Container;
  record: ContainerRecord;
  status: Status;
}

/** Errors (`operation`): there is no such container; another command keeps it for 30 s. */
export async function lockedContainer<T>(container: Container, work: (found: Found) => Promise<T>): Promise<T> {
  try {
    return await locked(container.dir, () => work(findContainer(container)));
  } catch (error) {
    const { path } = error as NodeJS.ErrnoException;
    const within = path !== undefined && `${path}/`.startsWith(`${container.dir}/`);
    throw errnoOf(error) === 'ENOENT' && within ? new MissingError(container.id) : error;
  }
}

/** Without the lock, for those who only look. */
export function findContainer(container: Container): Found {
  const record = container.read();
  return { container, record, status: statusOf(container, record, () => isPaused(record.cgroup)) };
}
