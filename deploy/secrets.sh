#!/bin/sh
# Makes the secrets that compose.yaml reads, once: passwords of the database and of Redis, and the addresses that hold them.
#
#   secrets.sh [FOLDER]      default: `secrets` beside this script
#
# The folder is closed to others. The files in it are readable, because inside the containers other accounts read them. Files that
# are there stay as they are: a new password would not fit the database that was made with the old one.
set -eu

folder=${1:-$(cd "$(dirname "$0")" && pwd)/secrets}
mkdir -p "$folder"
chmod 700 "$folder"

random() {
    LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 40
}

write() {
    if [ -e "$folder/$1" ]; then
        echo "$folder/$1 is there already and stays."
    else
        cat >"$folder/$1.part"
        chmod 644 "$folder/$1.part"
        mv "$folder/$1.part" "$folder/$1"
        echo "$folder/$1 was made."
    fi
}

random | write postgres_password
random | write redis_password
printf 'postgresql+asyncpg://medianest:%s@postgres:5432/medianest\n' "$(cat "$folder/postgres_password")" | write database_url
printf 'redis://:%s@redis:6379/0\n' "$(cat "$folder/redis_password")" | write redis_url
write redis.conf <<END
# Signals about work go through here; the work itself is in the database. What is written is kept all the same.
requirepass $(cat "$folder/redis_password")
dir /data
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
END
