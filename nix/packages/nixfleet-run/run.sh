# shellcheck shell=bash
# Run the script on standard input as root. The journal gets its digest and who asked; its values may be secret.
# The script finds the system's own programs, not only this one's.
PATH=$PATH:/run/current-system/sw/bin
text=$(cat && printf x)
text=${text%x}
digest=$(printf %s "$text" | sha256sum)
logger --tag nixfleet-run "script ${digest%% *} for ${SUDO_USER:-root}" || true
printf %s "$text" | sh -s
