# What one wants to find on a server that misbehaves.
{ pkgs, ... }:
{
  config.environment.systemPackages = [
    pkgs.curl
    pkgs.dnsutils
    pkgs.ethtool
    pkgs.htop
    pkgs.iproute2
    pkgs.jq
    pkgs.lsof
    pkgs.pciutils
    pkgs.rsync
    pkgs.tcpdump
    pkgs.tmux
    pkgs.vim
  ];
}
