# Terminals that people log in from.
{ lib, ... }:
{
  config.environment.enableAllTerminfo = lib.mkDefault true;
}
