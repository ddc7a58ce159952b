# What the machines beside the hosts share.
{
  config = {
    networking = {
      firewall.enable = false;
      useDHCP = false;
      useNetworkd = true;
    };
    system.stateVersion = "26.05";
  };
}
