# What a host has of its own, beside its entry.
{
  config.users.motd = "of this host alone";
}
