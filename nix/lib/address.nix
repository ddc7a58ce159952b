# Addresses as text, and the little arithmetic that networks need. Names are not resolved here.
let
  # "10.0.1.11" -> 167772427; null where the text is no IPv4 address.
  toInt =
    text:
    let
      found = builtins.match "([0-9]{1,3})\\.([0-9]{1,3})\\.([0-9]{1,3})\\.([0-9]{1,3})" text;
      octets = map decimal found;
    in
    if found == null || builtins.any (octet: octet > 255) octets then
      null
    else
      builtins.foldl' (sum: octet: sum * 256 + octet) 0 octets;

  # fromJSON reads no leading zeros.
  decimal =
    text:
    let
      trimmed = builtins.match "0*([0-9]+)" text;
    in
    builtins.fromJSON (builtins.head trimmed);

  power = exponent: if exponent == 0 then 1 else 2 * power (exponent - 1);

  split =
    range:
    let
      found = builtins.match "([^/]+)/([0-9]+)" range;
    in
    if found == null then
      throw "range ${range}: it is not written as address/length: write it like 10.0.0.0/24"
    else
      found;

  lengthOf = range: decimal (builtins.elemAt (split range) 1);
  baseOf = range: builtins.head (split range);

  contains =
    range: text:
    let
      size = power (32 - lengthOf range);
      base = toInt (baseOf range);
      value = toInt text;
    in
    value != null && value >= base && value < base + size;

  overlap = a: b: contains a (baseOf b) || contains b (baseOf a);

  # "10.0.1.11" in "10.0.1.0/24" -> "10.0.1.11/24"
  within =
    range: text:
    if contains range text then
      "${text}/${toString (lengthOf range)}"
    else
      throw "address ${text}: it is not in ${range}: give the host an address of that range";

  hexDigits = "0123456789abcdef";
  toHex =
    value:
    (if value < 16 then "" else toHex (value / 16))
    + builtins.substring (value - 16 * (value / 16)) 1 hexDigits;

  # The low 32 bits of an IPv6 address are the host's IPv4 address: one plan serves both families.
  within6 =
    range6: text:
    let
      value = toInt text;
      high = value / 65536;
      base = baseOf range6;
      length = lengthOf range6;
      compressed = builtins.match "(.*)::" base;
    in
    if length > 96 || compressed == null then
      throw "range ${range6}: its last 32 bits are not free: use a prefix of at most 96 bits that ends in ::"
    else
      "${base}${toHex high}:${toHex (value - high * 65536)}/${toString length}";
in
{
  inherit
    baseOf
    contains
    lengthOf
    overlap
    toInt
    within
    within6
    ;
}
