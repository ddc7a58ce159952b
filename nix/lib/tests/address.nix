# Addresses.
{ address, ... }:
let
  fails = value: !(builtins.tryEval (builtins.deepSeq value value)).success;
in
{
  "an address becomes its number" = {
    expr = address.toInt "10.0.1.11";
    expected = 167772427;
  };
  "the largest address becomes its number" = {
    expr = address.toInt "255.255.255.255";
    expected = 4294967295;
  };
  "an octet above 255 is no address" = {
    expr = address.toInt "10.0.1.256";
    expected = null;
  };
  "a name is no address" = {
    expr = address.toInt "api.example.net";
    expected = null;
  };
  "zeros before digits do not matter" = {
    expr = address.toInt "010.000.001.011";
    expected = 167772427;
  };
  "a range contains its last address" = {
    expr = address.contains "10.0.1.0/24" "10.0.1.255";
    expected = true;
  };
  "a range ends" = {
    expr = address.contains "10.0.1.0/24" "10.0.2.0";
    expected = false;
  };
  "the whole address space is a range" = {
    expr = address.contains "0.0.0.0/0" "203.0.113.9";
    expected = true;
  };
  "a range overlaps one inside it, whichever comes first" = {
    expr = [
      (address.overlap "10.0.0.0/8" "10.42.0.0/16")
      (address.overlap "10.42.0.0/16" "10.0.0.0/8")
      (address.overlap "10.42.0.0/16" "10.43.0.0/16")
    ];
    expected = [
      true
      true
      false
    ];
  };
  "a host's address takes the length of its range" = {
    expr = address.within "10.0.0.0/22" "10.0.3.4";
    expected = "10.0.3.4/22";
  };
  "an address outside its range is refused" = {
    expr = fails (address.within "10.0.1.0/24" "10.0.2.1");
    expected = true;
  };
  "an IPv6 address ends as the IPv4 address does" = {
    expr = address.within6 "fd00:1::/64" "10.0.1.11";
    expected = "fd00:1::a00:10b/64";
  };
  "a prefix without room for an IPv4 address is refused" = {
    expr = fails (address.within6 "fd00:1::/112" "10.0.1.11");
    expected = true;
  };
  "text without a length is no range" = {
    expr = fails (address.lengthOf "10.0.1.0");
    expected = true;
  };
}
