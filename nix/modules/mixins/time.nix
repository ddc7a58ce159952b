# Time: etcd and certificates need clocks that agree.
{ lib, ... }:
{
  config = {
    time.timeZone = lib.mkDefault "UTC";
    i18n.defaultLocale = lib.mkDefault "en_US.UTF-8";
    services.timesyncd.enable = lib.mkDefault true;
  };
}
