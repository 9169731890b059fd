/** The limits of `run` and `create`; `update` has those that can change while a container runs. */
import { on, text, texts } from './flag.js';

const LIMITS = { group: 'LIMITS' };
const SIZE = { ...LIMITS, value: 'SIZE' };
const NUMBER = { ...LIMITS, value: 'N' };
const DEVICES = { ...LIMITS, value: 'DEVICE:RATE' };

export const UPDATE_RESOURCE_FLAGS = {
  memory: text('most memory: 64m, 1g', { ...SIZE, char: 'm' }),
  'memory-reservation': text('memory that it falls back to when there is little', SIZE),
  'memory-swap': text('most memory and swap together; -1: as much swap as there is', SIZE),
  cpus: text("CPUs' worth of time: 0.5 is half of one", NUMBER),
  'cpu-period': text('length of a period in microseconds', NUMBER),
  'cpu-quota': text('microseconds of CPU time in each period', NUMBER),
  'cpu-rt-period': text('length of a real-time period in microseconds', NUMBER),
  'cpu-rt-runtime': text('microseconds of real-time in each period', NUMBER),
  'cpu-shares': text('weight among others where CPU time is short; 1024 is ordinary', { ...NUMBER, char: 'c' }),
  'cpuset-cpus': text('the CPUs it may run on: 0-3, 0,2', { ...LIMITS, value: 'LIST' }),
  'cpuset-mems': text('the memory nodes it may have memory of', { ...LIMITS, value: 'LIST' }),
  'pids-limit': text('how many processes and threads there may be; -1: any number', NUMBER),
  'blkio-weight': text('weight of its input and output, 10 to 1000', NUMBER),
};

export const RESOURCE_FLAGS = {
  ...UPDATE_RESOURCE_FLAGS,
  'memory-swappiness': text('how readily its memory is swapped, 0 to 100', NUMBER),
  'oom-kill-disable': on('let it wait for memory instead of killing it (cgroups of version 1)', LIMITS),
  'oom-score-adj': text('how likely it is killed when memory ends, -1000 to 1000', NUMBER),
  'blkio-weight-device': texts('weight of its input and output by device', { ...LIMITS, value: 'DEVICE:WEIGHT' }),
  'device-read-bps': texts('most bytes a second read from a device: /dev/sda:1mb', DEVICES),
  'device-write-bps': texts('most bytes a second written to a device', DEVICES),
  'device-read-iops': texts('most reads a second from a device', DEVICES),
  'device-write-iops': texts('most writes a second to a device', DEVICES),
  ulimit: texts('a limit of setrlimit(2): nofile=1024:2048', { ...LIMITS, value: 'NAME=SOFT[:HARD]' }),
  'shm-size': text('size of /dev/shm; 64m where nothing else is said', SIZE),
  'storage-opt': texts('size=10g: the most that its own layer may hold', { ...LIMITS, value: 'NAME=VALUE' }),
};
