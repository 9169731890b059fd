/**
 * Kernel parameters that change timings (Documentation/admin-guide/kernel-parameters.txt). The rest of the command line
 * may name disks, addresses and programs of this machine, which nobody needs who reads a measurement.
 */
const TELLING =
  /^(mitigations|nosmt|pti|nopti|kpti|spectre_v2\w*|spec_store_bypass_disable|retbleed|l1tf|mds|tsx\w*|srbds|gather_data_sampling|isolcpus|nohz\w*|rcu_nocbs|maxcpus|nr_cpus|mem|hugepages\w*|default_hugepagesz|transparent_hugepage|swiotlb|idle|processor\.\w+|intel_\w+|amd_\w+|cpufreq\.\w+|tsc|clocksource|no_timer_check|psi|cgroup\w*|systemd\.unified_cgroup_hierarchy|preempt\w*|threadirqs|nokaslr|kvm\S*|init_on_\w+|slab_nomerge|page_poison\w*|debug_pagealloc|audit|apparmor|selinux|security|lsm|numa\w*)(=|$)/;

/** The telling words of a kernel command line; what follows `--` is for the first process and never among them. */
export function pickKernelParameters(commandLine: string): string[] {
  const words = commandLine.split(/\s+/).filter(Boolean);
  const end = words.indexOf('--');
  return words.slice(0, end === -1 ? words.length : end).filter((word) => TELLING.test(word));
}

/** The word in brackets: `always [madvise] never` → `madvise`. */
export function readChosen(line: string | null): string | null {
  return /\[(\S+)\]/.exec(line ?? '')?.[1] ?? null;
}
