# Kernel settings that take abilities from attackers and none from k3s: forwarding stays on, user namespaces stay.
{ lib, ... }:
{
  config = {
    boot = {
      blacklistedKernelModules = [
        "ax25"
        "dccp"
        "rds"
        "sctp"
        "tipc"
      ];
      # Above the defaults that NixOS gives a few of them, below what a host says.
      kernel.sysctl = lib.mapAttrs (_: lib.mkOverride 900) {
        "dev.tty.ldisc_autoload" = 0;
        "fs.protected_fifos" = 2;
        "fs.protected_hardlinks" = 1;
        "fs.protected_regular" = 2;
        "fs.protected_symlinks" = 1;
        "fs.suid_dumpable" = 0;
        "kernel.dmesg_restrict" = 1;
        "kernel.kptr_restrict" = 2;
        "kernel.randomize_va_space" = 2;
        "kernel.sysrq" = 0;
        "kernel.unprivileged_bpf_disabled" = 1;
        "kernel.yama.ptrace_scope" = 1;
        "net.core.bpf_jit_harden" = 2;
        "net.ipv4.conf.all.accept_redirects" = 0;
        "net.ipv4.conf.all.accept_source_route" = 0;
        "net.ipv4.conf.all.log_martians" = 1;
        "net.ipv4.conf.all.secure_redirects" = 0;
        "net.ipv4.conf.all.send_redirects" = 0;
        "net.ipv4.conf.default.accept_redirects" = 0;
        "net.ipv4.conf.default.send_redirects" = 0;
        "net.ipv4.icmp_echo_ignore_broadcasts" = 1;
        "net.ipv4.tcp_rfc1337" = 1;
        "net.ipv4.tcp_syncookies" = 1;
        "net.ipv6.conf.all.accept_redirects" = 0;
        "net.ipv6.conf.default.accept_redirects" = 0;
      };
      kernelParams = [
        "page_alloc.shuffle=1"
        "randomize_kstack_offset=on"
        "slab_nomerge"
        "vsyscall=none"
      ];
    };
    security.polkit.enable = lib.mkDefault true;
    # An installation that is asked for starts by kexec from the running system.
    security.protectKernelImage = lib.mkDefault false;
  };
}
