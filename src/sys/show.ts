/** A plan as people read it: one line a step, with its reason. Pure. */
import { errnoName } from './abi.js';
import { type Arg, MAX_RESULT, type Plan, type Step } from './plan.js';

/** One step as a call, e.g. `openat2(root, "proc", how, 24) → proc`. */
export function showCall(step: Step): string {
  const call = `${step.call}(${step.args.map(showArg).join(', ')})`;
  return step.result ? `${call} → ${step.result.text}` : call;
}

function showArg(arg: Arg): string {
  if (arg.kind !== 'num') return arg.text;
  return arg.text ?? (arg.value >= 65536n ? `0x${arg.value.toString(16)}` : arg.value.toString());
}

/** What asks for it, and what happens besides going on: tolerated errnos, results that must be, and branches. */
function showBranch(step: Step): string {
  const [be, errnos] = [step.tolerate.length > 1 ? 'are' : 'is', step.tolerate.join(', ')];
  const parts = step.from === undefined ? [] : [`for ${step.from}`];
  if (step.tolerate.length > 0) parts.push(`${errnos} ${be} fine`);
  if (step.jumpOn === 'positive') parts.push(`above 0: go to ${step.jump?.index}`);
  if (step.jumpOn === 'zero') parts.push(`0: go to ${step.jump?.index}`);
  if (step.jump && !step.jumpOn) parts.push(`then go to ${step.jump.index}`);
  const accepted = showAccepted(step);
  if (accepted !== undefined) parts.push(accepted === ANYTHING ? accepted : `must be ${accepted}`);
  return parts.length > 0 ? ` [${parts.join('; ')}]` : '';
}

/** System calls return -1 to -4095 for an error (syscall(2)). */
const MAX_ERRNO = 4095n;
const ANYTHING = 'whatever comes of it';

/** The accepted results, unless they are the usual: anything but an error. */
function showAccepted({ accept: [low, high] }: Step): string | undefined {
  if (low === 0n && high === MAX_RESULT) return undefined;
  if (low === -MAX_ERRNO && high === MAX_RESULT) return ANYTHING;
  return low === high ? `${low}` : `${low} to ${high}`;
}

const CALL_COLUMNS = 76;

/** The whole plan as text: number, call, reason. */
export function showPlan(plan: Plan): string {
  const digits = String(plan.steps.length).length;
  const targets = new Map<number, string>();
  for (const { jump } of plan.steps) if (jump?.index !== undefined) targets.set(jump.index, jump.name);
  const lines = plan.steps.flatMap((step, index) => {
    const target = targets.get(index);
    const call = showCall(step);
    const number = String(index).padStart(digits);
    const reason = `# ${step.why}${showBranch(step)}`;
    const line =
      call.length <= CALL_COLUMNS
        ? [`${number}  ${call.padEnd(CALL_COLUMNS)}  ${reason}`]
        : [`${number}  ${call}`, `${' '.repeat(digits + 2 + CALL_COLUMNS)}  ${reason}`];
    return target ? [`${' '.repeat(digits)} ── ${target}:`, ...line] : line;
  });
  return `${lines.join('\n')}\n`;
}

/** The plan as data, for --json. */
export function planToJson(plan: Plan): object {
  return {
    arch: plan.arch,
    imageBytes: plan.imageBytes,
    steps: plan.steps.map((step, index) => ({
      index,
      call: step.call,
      args: step.args.map(showArg),
      why: step.why,
      result: step.result?.text,
      accept: showAccepted(step),
      tolerate: step.tolerate,
      jump: step.jump?.index,
      jumpOn: step.jumpOn,
      retryOnEintr: step.retryOnEintr || undefined,
      from: step.from,
    })),
  };
}

/** How a step's outcome is named: `EPERM`, or the result that was outside the accepted range. */
export function showResult(result: bigint): string {
  return result < 0n && result > -4096n ? errnoName(Number(-result)) : `result ${result}`;
}
