# What the kernel must know for pods.
{ config, lib, ... }:
{
  config = lib.mkIf config.nixfleet.k3s.enable {
    boot.kernelModules = [
      "br_netfilter"
      "nf_conntrack"
      # k3s' rules are made with iptables' commands on nftables.
      "nft_compat"
      "overlay"
      "xt_comment"
      "xt_conntrack"
      "xt_mark"
      "xt_multiport"
    ];
    boot.kernel.sysctl = {
      "fs.inotify.max_user_instances" = 8192;
      # A desktop profile sets the same key; a node needs at least this.
      "fs.inotify.max_user_watches" = lib.mkOverride 90 524288;
      "kernel.panic" = 10;
      "kernel.panic_on_oops" = 1;
      "net.bridge.bridge-nf-call-arptables" = 1;
      "net.bridge.bridge-nf-call-ip6tables" = 1;
      "net.bridge.bridge-nf-call-iptables" = 1;
      "net.ipv4.ip_forward" = 1;
      "net.ipv6.conf.all.forwarding" = 1;
      "net.netfilter.nf_conntrack_max" = if config.nixfleet.k3s.role == "server" then 131072 else 262144;
      "vm.overcommit_memory" = 1;
    };
    # Some pods need as many.
    security.pam.loginLimits = [
      {
        domain = "*";
        item = "nofile";
        type = "-";
        value = "1048576";
      }
    ];
  };
}
