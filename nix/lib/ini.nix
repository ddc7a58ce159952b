# Sections to the text of a systemd file: a section is { name; entries = [ { key; value; } ]; }.
let
  valueText =
    value: if builtins.isBool value then (if value then "yes" else "no") else toString value;
  lineOf = entry: "${entry.key}=${valueText entry.value}\n";
  sectionText =
    section: "[${section.name}]\n" + builtins.concatStringsSep "" (map lineOf section.entries);
in
sections: builtins.concatStringsSep "\n" (map sectionText sections)
