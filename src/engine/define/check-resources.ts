/** Whether limits make sense, in docker's words (moby's daemon_unix.go, verifyPlatformContainerResources). Pure. */
import { refuse } from './asked-error.js';
import type { ContainerResources } from './definition-parts.js';

const LEAST_MEMORY_BYTES = 6 * 1024 ** 2;
const NANO = 1e9;

/** As much swap as memory where nothing else is asked for. */
export function withSwap(asked: ContainerResources): ContainerResources {
  const { memoryBytes, memorySwapBytes } = asked;
  return memoryBytes && memorySwapBytes === undefined ? { ...asked, memorySwapBytes: memoryBytes * 2 } : asked;
}

/** Error (`input`): limits out of range, or that contradict each other. */
export function checkResources(asked: ContainerResources, cpuCount: number): void {
  checkMemory(asked);
  checkCpu(asked, cpuCount);
  const { blkioWeight, blkioWeightDevices = [] } = asked;
  for (const weight of [blkioWeight, ...blkioWeightDevices.map((one) => one.weight)]) {
    if (weight && (weight < 10 || weight > 1000)) throw refuse('Range of blkio weight is from 10 to 1000');
  }
}

function checkMemory(asked: ContainerResources): void {
  const { memoryBytes = 0, memorySwapBytes: swap, memoryReservationBytes: reservation, memorySwappiness } = asked;
  if (memoryBytes > 0 && memoryBytes < LEAST_MEMORY_BYTES) throw refuse('Minimum memory limit allowed is 6MB');
  if (swap !== undefined && swap > 0 && memoryBytes === 0) {
    throw refuse('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (swap !== undefined && swap > 0 && swap < memoryBytes) {
    throw refuse('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (reservation !== undefined && reservation > 0 && reservation < LEAST_MEMORY_BYTES) {
    throw refuse('Minimum memory reservation allowed is 6MB');
  }
  if (reservation !== undefined && memoryBytes > 0 && memoryBytes < reservation) {
    throw refuse('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  if (memorySwappiness !== undefined && memorySwappiness > 100) {
    throw refuse(`Invalid value: ${memorySwappiness}, valid memory swappiness range is 0-100`);
  }
}

function checkCpu(asked: ContainerResources, cpuCount: number): void {
  const { nanoCpus, cpuPeriodUs, cpuQuotaUs } = asked;
  if (nanoCpus) {
    if (cpuPeriodUs) throw refuse('Conflicting options: Nano CPUs and CPU Period cannot both be set');
    if (cpuQuotaUs) throw refuse('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
    if (nanoCpus < NANO / 100 || nanoCpus > cpuCount * NANO) {
      throw refuse(`Range of CPUs is from 0.01 to ${cpuCount}.00, as there are only ${cpuCount} CPUs available`);
    }
  }
  if (cpuPeriodUs && (cpuPeriodUs < 1000 || cpuPeriodUs > 1_000_000)) {
    throw refuse('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (cpuQuotaUs && cpuQuotaUs > 0 && cpuQuotaUs < 1000) {
    throw refuse('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
}
