#!/bin/sh
# Starts a command in the container as PUID:PGID, so that files on the volumes belong to whom the operator chose.
# A container that is started as somebody else already (`user:` in a compose file) stays that.
set -eu

if [ "$(id -u)" != 0 ]; then
    exec "$@"
fi

user=${PUID:-1000}
group=${PGID:-1000}
for number in "$user" "$group"; do
    case $number in
        '' | *[!0-9]*)
            echo "PUID and PGID are numbers, as \`id -u\` and \`id -g\` print them; here they are '$user' and '$group'." >&2
            exit 2
            ;;
    esac
done
if [ "$user" = 0 ]; then
    echo "PUID=0 would run the portal as root. Choose the number of an ordinary account." >&2
    exit 2
fi

# A volume that was never used, or belonged to other numbers before: handed over once, not at every start.
for folder in "${MEDIANEST_DATA_DIR:-/data}" "${MEDIANEST_DOWNLOADS_DIR:-/downloads}"; do
    mkdir -p "$folder"
    if [ "$(stat -c %u:%g "$folder")" != "$user:$group" ]; then
        chown -R -h "$user:$group" "$folder" ||
            echo "$folder cannot be handed to $user:$group; see that this account can write there." >&2
    fi
done
umask "${UMASK:-022}"
export HOME="${MEDIANEST_DATA_DIR:-/data}"
exec setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs -- "$@"
